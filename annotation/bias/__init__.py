"""PURE (numpy). What people choose by besides the text: place, length, format, the first they saw; ties and speed."""
