import pytest
from django.test import Client

from annotation.models import PersonSkill, Project, Skill, User

PLACE = "/projects/campaign/people/skills/"


@pytest.fixture
def client(campaign: Project, alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def test_skills_are_made_given_taken_and_removed(client: Client, campaign: Project, bob: User) -> None:
    def send(**form: str) -> str:
        return client.post(PLACE, form, follow=True).content.decode()

    assert "can be asked for now" in send(action="add", skill="french")
    assert "has a skill" in send(action="add", skill="french")
    assert "bob has French at level 3" in send(action="set", skill="french", who="bob", level="3")
    assert PersonSkill.objects.get().level == 3
    assert "French 3" in client.get("/projects/campaign/people/").content.decode()
    for level in ("9", "x", "²"):
        assert "whole number from 1 to 5" in send(action="set", skill="french", who="bob", level=level)
    assert "No member" in send(action="set", skill="french", who="oscar", level="1")
    assert "no skill" in send(action="set", skill="german", who="bob", level="1")
    assert "no longer has" in send(action="set", skill="french", who="bob", level="")
    assert "is gone" in send(action="remove", skill="french")
    assert "Choose what to do" in send(action="burn")
    assert not Skill.objects.exists()


def test_only_managers_change_skills(campaign: Project, rita: User, oscar: User, client: Client) -> None:
    assert client.get(PLACE).status_code == 405
    for person, status in ((rita, 403), (oscar, 404)):
        other = Client()
        other.force_login(person)
        assert other.post(PLACE, {"action": "add", "skill": "x"}).status_code == status
