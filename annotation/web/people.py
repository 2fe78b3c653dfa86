"""The people of a project and their roles."""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from annotation.exceptions import ApplicationError
from annotation.models import Membership, Project, User
from annotation.models.skill import HIGHEST_LEVEL, LOWEST_LEVEL
from annotation.permissions import Role
from annotation.selectors.people import people_page
from annotation.selectors.skills import find_skill, project_skills
from annotation.services.projects import remove_member, set_role
from annotation.services.skills import add_skill, remove_person_skill, remove_skill, set_person_skill
from annotation.web.edge import address_of, open_project, page, person, project_context
from annotation.web.forms import MemberForm, RoleForm, add_faults


@page("GET", "POST")
def show_people(request: HttpRequest, slug: str) -> HttpResponse:
    """Members with roles, skills and what they did lately; a manager adds people by user name or e-mail."""
    project = open_project(request, slug, Role.MANAGER if request.method == "POST" else Role.REVIEWER)
    form = MemberForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _add_member(request, project, form):
        return redirect("people", slug=slug)
    search, after = (request.GET.get(name, "").replace("\0", "").strip() for name in ("search", "after"))
    context = project_context(request, project, "people", form=form, search=search, after=after)
    context |= {
        "page_of_people": people_page(project=project, search=search, after=after),
        "skills": list(project_skills(project=project)),
        "levels": range(LOWEST_LEVEL, HIGHEST_LEVEL + 1),
    }
    return render(request, "annotation/people.html", context, status=400 if form.errors else 200)


@page("POST")
def change_member(request: HttpRequest, slug: str) -> HttpResponse:
    """Gives a member another role, or takes them out."""
    project = open_project(request, slug, Role.MANAGER)
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise ApplicationError("Choose a role from the list.")
    user = get_object_or_404(User, pk=form.cleaned_data["user"], memberships__project=project)
    try:
        _change(request, project, user, form.cleaned_data["role"])
    except ApplicationError as error:
        messages.error(request, error.message)
    return redirect("people", slug=slug)


def _change(request: HttpRequest, project: Project, user: User, role: str) -> None:
    who, address = person(request), address_of(request)
    if role:
        set_role(project=project, user=user, role=role, actor=who, address=address)
        messages.success(request, f"{user.username} is now {role}.")
    else:
        remove_member(project=project, user=user, actor=who, address=address)
        messages.success(request, f"{user.username} left the project; their judgments stay.")


def _add_member(request: HttpRequest, project: Project, form: MemberForm) -> bool:
    who = form.cleaned_data["who"].strip()
    user = User.objects.filter(Q(username=who) | Q(email__iexact=who), is_active=True).first()
    if user is None:
        form.add_error("who", "Nobody here has this user name or e-mail. An administrator can create the account.")
        return False
    if Membership.objects.filter(project=project, user=user).exists():
        form.add_error("who", f"{user.username} is a member already; change the role in the list.")
        return False
    role = form.cleaned_data["role"]
    try:
        set_role(project=project, user=user, role=role, actor=person(request), address=address_of(request))
    except ApplicationError as error:
        add_faults(form, error)
        return False
    messages.success(request, f"{user.username} was added as {role}.")
    return True


@page("POST")
def change_skills(request: HttpRequest, slug: str) -> HttpResponse:
    """A new skill, one taken out, or how far a person has one."""
    project = open_project(request, slug, Role.MANAGER)
    try:
        messages.success(request, _change_skill(request, project))
    except ApplicationError as error:
        messages.error(request, error.message)
    return redirect("people", slug=slug)


def _change_skill(request: HttpRequest, project: Project) -> str:
    form = request.POST
    who: dict[str, Any] = {"actor": person(request), "address": address_of(request)}
    name = form.get("skill", "").strip()
    match form.get("action"):
        case "add":
            return f"The skill “{add_skill(project=project, name=name, **who)}” can be asked for now."
        case "remove":
            remove_skill(skill=find_skill(project=project, name=name), **who)
            return "The skill is gone."
        case "set":
            return _set_level(project, name, form.get("who", "").strip(), form.get("level", ""), who)
    raise ApplicationError("Choose what to do with the skill.")


def _set_level(project: Project, name: str, username: str, level: str, who: dict[str, Any]) -> str:
    skill = find_skill(project=project, name=name)
    user = User.objects.filter(username=username, memberships__project=project).first()
    if user is None:
        raise ApplicationError("No member of the project has this user name.")
    if level == "":
        remove_person_skill(skill=skill, person=user, **who)
        return f"{user.username} no longer has {skill}."
    if not (level.isascii() and level.isdecimal() and len(level) <= 2):
        raise ApplicationError(f"A level is a whole number from {LOWEST_LEVEL} to {HIGHEST_LEVEL}.")
    set_person_skill(skill=skill, person=user, level=int(level), **who)
    return f"{user.username} has {skill} at level {level}."
