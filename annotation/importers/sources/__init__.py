"""PURE. Files -> rows: one module a container, all of them streams of `SourceRow`."""
