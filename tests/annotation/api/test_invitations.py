from annotation.models import Project
from tests.annotation.api.conftest import ClientOf

PLACE = "/api/v1/projects/cooking/invitations"


def test_a_script_makes_lists_and_ends_invitations(project: Project, client_of: ClientOf) -> None:
    alice = client_of("alice")
    made = alice.post(PLACE, {"role": "annotator", "most_uses": 20, "label": "June team"})
    assert made.status_code == 201
    assert "/join/" in made.json()["link"]
    listed = alice.get(PLACE).json()["results"]
    assert [(row["id"], row["used"], row["label"]) for row in listed] == [(made.json()["id"], 0, "June team")]
    assert "link" not in listed[0]
    for _ in range(2):
        assert alice.delete(f"{PLACE}/{made.json()['id']}").status_code == 204
    assert alice.get(PLACE).json()["results"][0]["revoked_at"] is not None
    for bad in ({}, {"role": "boss"}, {"role": "annotator", "days": 999}, {"role": "annotator", "token": "mine"}):
        assert alice.post(PLACE, bad).status_code == 400
