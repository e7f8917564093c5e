"""The way through a definition's forms to an object model. Nothing is kept between two requests: each brings
all answers given so far, and is told the next form, what is wrong, or the object model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from knarr.services.application_catalog.forms import legacy, objects
from knarr.services.application_catalog.forms.budget import Allowance, Budget
from knarr.services.application_catalog.forms.choices import Chooser
from knarr.services.application_catalog.forms.cloud import CloudChoices, KeyManager, StaticActions
from knarr.services.application_catalog.forms.definition import (
    MANAGEMENT,
    NAME_FIELD,
    STAY_FIELD,
    Definition,
    FieldDefinition,
    FormDefinition,
)
from knarr.services.application_catalog.forms.faults import (
    ExpressionFault,
    Warned,
    similar,
)
from knarr.services.application_catalog.forms.model import FieldView, FormView, encoded, views
from knarr.services.application_catalog.forms.parameters import evaluated
from knarr.services.application_catalog.forms.patterns import pattern
from knarr.services.application_catalog.forms.prepared import Preparation
from knarr.services.application_catalog.forms.scope import Scope
from knarr.services.application_catalog.forms.validation import (
    CLONE,
    AnswerError,
    Invalid,
    checked,
    confirmation,
    form_errors,
    tentative,
)
from knarr.services.application_catalog.language.errors import Position
from knarr.services.application_catalog.packages.package import ApplicationPackage

NAME_PATTERN = r"^[-\w]+$"
LONGEST_NAME = 255
DEEPEST = 40
_ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class Subject:
    """The package that the definition belongs to."""

    full_name: str
    version: str | None = None

    @classmethod
    def of(cls, package: ApplicationPackage) -> Subject:
        return cls(package.manifest.full_name, str(package.manifest.version))


@dataclass(frozen=True, slots=True)
class Services:
    """What the wizard reaches the world through. What is missing is told to users where it is needed."""

    cloud: CloudChoices | None = None
    key_manager: KeyManager | None = None
    static_actions: StaticActions | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request.

    `form` is what to show next, None when all is answered: then `model` is the application's object model.
    `data` holds the checked values by form and field, secrets among them. `parameters` are to be brought
    again with the next request, as they are evaluated once for each application.
    """

    steps: tuple[str, ...]
    form: FormView | None
    errors: tuple[AnswerError, ...]
    parameters: Mapping[str, Any]
    warnings: tuple[Warned, ...]
    model: dict[str, Any] | None = field(default=None, repr=False)
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    stay_at_catalog: bool = False

    @property
    def done(self) -> bool:
        return self.model is not None

    def plain(self) -> dict[str, Any]:
        """As data for JSON: all but `data`. The object model has what the user gave, secrets among it."""
        return {
            "steps": list(self.steps),
            "form": None if self.form is None else self.form.plain(),
            "errors": [asdict(error) for error in self.errors],
            "parameters": dict(self.parameters),
            "warnings": [str(warning) for warning in self.warnings],
            "model": self.model,
            "stay_at_catalog": self.stay_at_catalog,
        }


class Wizard:
    """Leads through one definition. `ask_to_stay` adds the question whether to go on adding applications;
    `confirm` asks for passwords twice (a program that asks by itself may leave it out)."""

    def __init__(
        self,
        definition: Definition,
        subject: Subject,
        services: Services | None = None,
        allowance: Allowance | None = None,
        *,
        ask_to_stay: bool = False,
        confirm: bool = True,
    ) -> None:
        self.definition = definition
        self.subject = subject
        self.services = services or Services()
        self.allowance = allowance or Allowance()
        self.confirm = confirm
        self.forms = (*definition.forms, *_management(definition, subject, ask_to_stay))
        self.steps = tuple(form.name for form in self.forms)

    def start(self) -> Outcome:
        """The first form. Raises as `advance`."""
        return self.advance({})

    def advance(
        self,
        answers: Mapping[str, Any],
        parameters: Mapping[str, Any] | None = None,
        *,
        complete: bool = False,
    ) -> Outcome:
        """The next form, the form whose answers are wrong, or the object model.

        `answers` maps forms to mappings of fields to what the user gave; a field that is not there takes its
        initial value, one that is null or "" is empty. With `complete`, forms without answers take their
        initial values too, instead of being shown. Raises DefinitionFault (or a kind of it) with the place
        in the definition that cannot be evaluated.
        """
        return _Run(self, parameters).advance(answers, complete)


def _management(definition: Definition, subject: Subject, ask_to_stay: bool) -> tuple[FormDefinition, ...]:
    """The last form, which no author writes: the application's name and where to go afterwards."""
    place = Position(definition.file, 1)
    fields = []
    if definition.asks_name:
        attributes = {
            "label": "Application name",
            "description": "A name to know the application by: letters, digits, underscores and hyphens.",
            "initial": subject.full_name.rpartition(".")[2],
            "regexp_validator": pattern(NAME_PATTERN),
            "max_length": LONGEST_NAME,
            "error_messages": {"invalid": "Use letters, digits, underscores and hyphens only."},
        }
        fields.append(FieldDefinition(NAME_FIELD, "string", place, attributes))
    if ask_to_stay:
        attributes = {
            "label": "Go on adding applications",
            "description": "Return to the catalogue afterwards, not to the environment of the application.",
            "initial": False,
            "required": False,
        }
        fields.append(FieldDefinition(STAY_FIELD, "boolean", place, attributes))
    return (FormDefinition(MANAGEMENT, tuple(fields), (), place),) if fields else ()


def depth(value: Any) -> int:
    """How deep lists and mappings are in each other, counted no further than needed."""
    level, found = [value], 0
    while level and found <= DEEPEST:
        inner: list[Any] = []
        for one in level:
            if isinstance(one, Mapping):
                inner += one.values()
            elif isinstance(one, (list, tuple)):
                inner += one
        level, found = inner, found + 1
    return found


class _Run:
    """One request."""

    def __init__(self, wizard: Wizard, parameters: Mapping[str, Any] | None) -> None:
        self.wizard = wizard
        self.definition = wizard.definition
        self.scope = Scope(Budget(wizard.allowance), self.definition.templates, wizard.services.key_manager)
        self.chooser = Chooser(wizard.services.cloud, self.scope.budget)
        self.scope.parameters = evaluated(
            self.definition, wizard.subject, wizard.services, self.scope, parameters
        )
        self.data: dict[str, Any] = {}

    def advance(self, answers: Mapping[str, Any], complete: bool) -> Outcome:
        strange = self.strange(answers)
        if strange:
            return self.outcome(None, strange)
        for index, form in enumerate(self.wizard.forms):
            given = answers.get(form.name)
            if given is None and complete:
                given = {}
            shown, errors = self.form(index, form, given)
            if given is None or errors:
                return self.outcome(shown, errors)
        return self.finished()

    def strange(self, answers: Mapping[str, Any]) -> list[AnswerError]:
        """Answers to what was not asked."""
        if not isinstance(answers, Mapping):
            return [AnswerError("", None, "invalid", "the answers must be a mapping of forms to fields")]
        if depth(answers) > DEEPEST:
            return [AnswerError("", None, "invalid", f"the answers are nested deeper than {DEEPEST} levels")]
        found = []
        for name, given in answers.items():
            form = next((one for one in self.wizard.forms if one.name == name), None)
            if form is None:
                known = similar(str(name), list(self.wizard.steps))
                title = encoded(str(name)[:64])
                found.append(AnswerError(title, None, "unknown", f"there is no such form{known}"))
            elif given is not None and not isinstance(given, Mapping):
                found.append(
                    AnswerError(form.name, None, "invalid", "the answers must be a mapping of fields")
                )
            elif given is not None:
                found += self.strange_fields(form, given)
        return found

    def strange_fields(self, form: FormDefinition, given: Mapping[str, Any]) -> list[AnswerError]:
        names = [one.name for one in form.fields]
        clones = {one.name + CLONE for one in form.fields if one.type == "password"}
        found = []
        for name in given:
            if name not in names and name not in clones:
                message = f"there is no such field{similar(str(name), names)}"
                found.append(AnswerError(form.name, encoded(str(name)[:64]), "unknown", message))
        return found

    def form(
        self, index: int, form: FormDefinition, given: Mapping[str, Any] | None
    ) -> tuple[FormView, list[AnswerError]]:
        """The form as it is shown, and what is wrong with the answers. Puts its values into the data."""
        own: dict[str, Any] = {}
        region = self.region(form)
        data = {**self.data, form.name: own}
        self.scope.answers = data
        shown: list[FieldView] = []
        errors: list[AnswerError] = []
        for one in form.fields:
            answer = _ABSENT if given is None else given.get(one.name, _ABSENT)
            preparation = Preparation(self.scope, self.chooser, region, data, tolerant=bool(errors))
            prepared = preparation.prepare(one, answered=answer is not _ABSENT)
            if given is None:
                own[one.name] = tentative(prepared)
            else:
                own[one.name] = None
                value = prepared.initial if answer is _ABSENT else answer
                try:
                    own[one.name] = checked(prepared, value, self.scope)
                except Invalid as error:
                    errors.append(AnswerError(form.name, one.name, error.code, error.message))
                else:
                    wrong = confirmation(prepared, own[one.name], given) if self.wizard.confirm else None
                    if wrong is not None:
                        errors.append(AnswerError(form.name, wrong.field, wrong.code, wrong.message))
            shown += views(prepared, prepared.initial if answer is _ABSENT else answer, self.wizard.confirm)
        if given is not None and not errors:
            errors = form_errors(form, data, self.scope)
        self.data = data
        return FormView(form.name, index, self.wizard.steps, tuple(shown), tuple(errors)), errors

    def region(self, form: FormDefinition) -> str | None:
        found = self.scope.value(form.region, self.data)
        if found is not None and not isinstance(found, str):
            raise ExpressionFault(f"the region of the form {form.name} must be text", form.position)
        return found or None

    def finished(self) -> Outcome:
        management = self.data.get(MANAGEMENT) or {}
        self.scope.application_name = management.get(NAME_FIELD)
        model = objects.finished(self.application(), self.scope.application_name)
        return self.outcome(None, [], model, bool(management.get(STAY_FIELD)))

    def application(self) -> Any:
        if self.definition.service is not None:
            return legacy.compose(self.definition, self.wizard.subject.full_name, self.data, self.scope)
        context = self.scope.context(self.data, templates=True)
        return self.scope.evaluator.evaluate(self.definition.application, context)

    def outcome(
        self,
        form: FormView | None,
        errors: list[AnswerError],
        model: dict[str, Any] | None = None,
        stay: bool = False,
    ) -> Outcome:
        return Outcome(
            self.wizard.steps,
            form,
            tuple(errors),
            self.scope.parameters,
            self.definition.warnings,
            model,
            self.data,
            stay,
        )
