import subprocess
import sys

from tests.running_site import ROOT

ASK = "import sys, config.wsgi; print(sys.modules.keys() >= {'annotation.api.judgments', 'trainingruns.web.urls'})"


def test_views_are_there_before_the_first_request() -> None:
    said = subprocess.run([sys.executable, "-c", ASK], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "True"
