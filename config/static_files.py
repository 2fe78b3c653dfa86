"""Static files of production: compressed, under names that change with their content."""

import re
from collections.abc import Callable
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage

OWN_SCRIPTS = "js/"


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Also rewrites the imports between our script modules; else a browser would keep old ones after a release.

    Scripts of packages stay as they are: what looks like an import there may be an example in a comment.
    """

    support_js_module_import_aggregation = True

    def url_converter(self, name: str, *args: Any, **options: Any) -> Callable[[re.Match[str]], str]:
        """How references inside the file of that name are rewritten."""
        if name.endswith(".js") and not name.startswith(OWN_SCRIPTS):
            return lambda match: match["matched"]
        convert: Callable[[re.Match[str]], str] = super().url_converter(name, *args, **options)
        return convert
