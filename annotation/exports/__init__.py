"""Rows -> files. Every format is a pure function of the canonical record; `formats` names them all."""
