"""Skills of a project: what tasks may ask of people, and who has them to which level."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, address_of, paginate, person, require_project
from annotation.api.bodies import StrictSerializer, read_body
from annotation.api.pagination import PAGE_PARAMETERS, NewestFirst, OldestFirst, page_of
from annotation.api.schema import describe
from annotation.exceptions import NotFound
from annotation.models import PersonSkill, Project, Skill, User
from annotation.models.skill import HIGHEST_LEVEL, LOWEST_LEVEL
from annotation.permissions import Role
from annotation.selectors.skills import find_skill, project_skills
from annotation.services.skills import add_skill, remove_person_skill, remove_skill, set_person_skill


class SkillInput(StrictSerializer):
    name = serializers.SlugField(max_length=60, help_text="What tasks and addresses call it.")
    label = serializers.CharField(  # type: ignore[assignment]
        max_length=120, required=False, allow_blank=True, help_text="What people read; made of the name unless given."
    )
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True)


class SkillOutput(serializers.ModelSerializer[Skill]):
    people = serializers.IntegerField(source="people_count", default=0, help_text="Who have it.")
    tasks = serializers.IntegerField(source="task_count", default=0, help_text="That ask for it.")

    class Meta:
        model = Skill
        fields = ("id", "name", "label", "description", "people", "tasks", "created_at")


class LevelInput(StrictSerializer):
    level = serializers.IntegerField(min_value=LOWEST_LEVEL, max_value=HIGHEST_LEVEL)


class PersonSkillOutput(serializers.ModelSerializer[PersonSkill]):
    skill = serializers.CharField(source="skill.name")
    user_id = serializers.IntegerField(source="person_id")
    username = serializers.CharField(source="person.username")
    standing = serializers.FloatField(help_text="0 is offered its tasks at once, 1 after the project's whole wait.")

    class Meta:
        model = PersonSkill
        fields = (
            "skill",
            "user_id",
            "username",
            "level",
            "agreed",
            "compared",
            "gold_right",
            "gold_asked",
            "standing",
            "measured_at",
        )


class SkillsView(ApiView):
    @describe(
        "list_skills",
        "The project's skills, newest first.",
        gives={200: page_of(SkillOutput)},
        fails=(400, 403, 404),
        parameters=PAGE_PARAMETERS,
        tag="people",
    )
    def get(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.REVIEWER)
        return paginate(self, request, project_skills(project=project), SkillOutput, pages=NewestFirst)

    @describe(
        "add_skill",
        "Add a skill that tasks of the project may ask for. 409 where it has one of that name.",
        request=SkillInput,
        gives={201: SkillOutput},
        fails=(400, 403, 404, 409, 413, 415),
        tag="people",
    )
    def post(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        body: dict[str, Any] = read_body(request, SkillInput)
        skill = add_skill(project=project, actor=person(request), address=address_of(request), **body)
        return Response(SkillOutput(skill).data, status=201)


class SkillView(ApiView):
    @describe(
        "remove_skill",
        "Take a skill out of the project, with all who have it. 409 while tasks ask for it.",
        gives={204: None},
        fails=(403, 404, 409),
        tag="people",
    )
    def delete(self, request: Request, slug: str, skill: str) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        remove_skill(skill=find_skill(project=project, name=skill), actor=person(request), address=address_of(request))
        return Response(status=204)


class SkilledPeopleView(ApiView):
    @describe(
        "list_skilled_people",
        "Who has the skill, to which level, and what was measured on tasks that ask for it.",
        gives={200: page_of(PersonSkillOutput)},
        fails=(400, 403, 404),
        parameters=PAGE_PARAMETERS,
        tag="people",
    )
    def get(self, request: Request, slug: str, skill: str) -> Response:
        project = require_project(request, slug, Role.REVIEWER)
        rows = PersonSkill.objects.filter(skill=find_skill(project=project, name=skill))
        return paginate(self, request, rows.select_related("skill", "person"), PersonSkillOutput, pages=OldestFirst)


class PersonSkillView(ApiView):
    @describe(
        "set_person_skill",
        "Say to which level a member has the skill. The same again changes nothing.",
        request=LevelInput,
        gives={200: PersonSkillOutput},
        fails=(400, 403, 404, 413, 415),
        tag="people",
    )
    def put(self, request: Request, slug: str, skill: str, user_id: int) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        body = read_body(request, LevelInput)
        row = set_person_skill(
            skill=find_skill(project=project, name=skill),
            person=find_member(project, user_id),
            level=body["level"],
            actor=person(request),
            address=address_of(request),
        )
        return Response(PersonSkillOutput(row).data)

    @describe(
        "remove_person_skill",
        "Take the skill from a person. A task that they hold stays theirs; 404 where they do not have it.",
        gives={204: None},
        fails=(403, 404),
        tag="people",
    )
    def delete(self, request: Request, slug: str, skill: str, user_id: int) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        remove_person_skill(
            skill=find_skill(project=project, name=skill),
            person=find_member(project, user_id),
            actor=person(request),
            address=address_of(request),
        )
        return Response(status=204)


def find_member(project: Project, user_id: int) -> User:
    """Raises: NotFound for whoever is no member, whether they exist or not."""
    user = User.objects.filter(pk=user_id, memberships__project=project).first()
    if user is None:
        raise NotFound(f"The project has no member with the id {user_id}.")
    return user
