"""Row ids in addresses."""


class RowIdConverter:
    """A positive number that fits a database id; anything else is no address at all (404)."""

    regex = r"[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)
