"""PURE. Records of other tools -> lines of the interchange format: one format a file, `table` names them all."""
