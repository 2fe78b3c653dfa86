"""The people of a project and their roles."""

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from annotation.exceptions import ApplicationError
from annotation.models import Membership, Project, User
from annotation.permissions import Role
from annotation.selectors.work import memberships_of
from annotation.services.projects import remove_member, set_role
from annotation.web.edge import address_of, open_project, page, person, project_context
from annotation.web.forms import MemberForm, RoleForm, add_faults


@page("GET", "POST")
def show_people(request: HttpRequest, slug: str) -> HttpResponse:
    """Members with their roles; a manager adds people by user name or e-mail."""
    project = open_project(request, slug, Role.MANAGER if request.method == "POST" else Role.REVIEWER)
    form = MemberForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _add_member(request, project, form):
        return redirect("people", slug=slug)
    context = project_context(request, project, "people", form=form, members=memberships_of(project=project))
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
