"""The form of a Heat.HOT package: a page for each group of parameters, constraints included."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import yaml

from knarr.services.application_catalog.packages import hot
from knarr.services.application_catalog.packages.hot import Constraint, Group, Parameter

if TYPE_CHECKING:
    from knarr.services.application_catalog.packages.package import ApplicationPackage

# Since this version passwords may be checked by rules of one's own, and the name is asked for by the form.
VERSION = "2.3"
GENERAL = "general"
FIELD_TYPES = {"number": "integer", "boolean": "boolean"}

# Constraints that Heat has checked by the cloud, where a form can offer what there is.
OFFERED = {
    "nova.flavor": "flavor",
    "nova.keypair": "keypair",
    "glance.image": "image",
    "cinder.volume": "volume",
    "neutron.security_group": "securitygroup",
}
LENGTHS = {"min": "minLength", "max": "maxLength"}
LIMITS = {"min": "minValue", "max": "maxValue"}
FRACTION = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
NOTHING_CHECKED = r"^[\s\S]*$"


class _Expression(str):
    """Text that is written as a YAQL expression."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(_Expression, lambda dumper, data: dumper.represent_scalar("!yaql", str(data)))


def definition(source: ApplicationPackage) -> bytes:
    """The UI definition of a package, as its file would be. Raises PackageFault if its template is none."""
    template = source.hot_template()
    manifest = source.manifest
    environments = source.hot_environments()
    application: dict[str, Any] = {
        "?": {
            "type": manifest.full_name,
            "package": manifest.full_name,
            "classVersion": str(manifest.version),
        },
        "name": _Expression("name()"),
    }
    forms = []
    if environments or manifest.description:
        forms.append({GENERAL: {"fields": list(_general(manifest.description, environments))}})
    if environments:
        application["hotEnvironment"] = _Expression(f"$.{GENERAL}.hotEnvironment")
    if template.groups:
        application["templateParameters"] = given = {}
    for number, group in enumerate(template.groups, 1):
        names = _field_names(group.parameters)
        title = list(_title(group, names.values()))
        fields = [_field(one, names[one.name], bool(environments)) for one in group.parameters]
        forms.append({f"group{number}": {"fields": [*title, *fields]}})
        for parameter, field in names.items():
            given[parameter] = _Expression(f"$.group{number}.{field}")
    if not forms:
        forms.append({GENERAL: {"fields": []}})
    content = {"Version": VERSION, "Application": application, "Forms": forms}
    return yaml.dump(content, Dumper=_Dumper, default_style='"', sort_keys=False, allow_unicode=True).encode()


def _general(description: str, environments: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    if description:
        yield {
            "name": "title",
            "type": "string",
            "hidden": True,
            "required": False,
            "description": description,
        }
    if environments:
        yield {
            "name": "hotEnvironment",
            "type": "choice",
            "label": "Environment of Heat",
            "required": False,
            "choices": [["", "none"], *([name, name] for name in environments)],
        }


def _title(group: Group, taken: Iterable[str]) -> Iterable[dict[str, Any]]:
    """A group's words stand beside its fields, at a field that is not shown."""
    if group.label or group.description:
        name = "title"
        while name in taken:
            name += "_"
        field = {"name": name, "type": "string", "hidden": True, "required": False}
        if group.label:
            field["descriptionTitle"] = group.label
        yield field | {"description": group.description or group.label}


def _field_names(parameters: Iterable[Parameter]) -> dict[str, str]:
    """A name for each parameter's field that expressions can say."""
    names: dict[str, str] = {}
    for parameter in parameters:
        name = re.sub(r"\W", "_", parameter.name, flags=re.ASCII)
        name = name if re.match(r"[A-Za-z_]", name) and not name.startswith("__") else f"p_{name}"
        while name in names.values():
            name += "_"
        names[parameter.name] = name
    return names


def _field(parameter: Parameter, name: str, by_environment: bool) -> dict[str, Any]:
    """`by_environment`: a chosen environment of Heat may give the value, so that nobody else has to."""
    optional = by_environment or parameter.has_default
    field: dict[str, Any] = {"name": name, "type": _type(parameter), "label": parameter.label}
    if parameter.description:
        field["description"] = parameter.description
    field["required"] = not optional and parameter.type != "boolean"
    if parameter.has_default and not by_environment:
        field["initial"] = _initial(parameter, field["type"])
    validators: list[dict[str, Any]] = []
    for constraint in parameter.constraints:
        _constrain(field, validators, parameter, constraint)
    if parameter.hidden:
        field["confirmInput"] = False
        if not validators:
            # Without a rule of its own, the field would ask for a strong password.
            field["regexpValidator"] = NOTHING_CHECKED
    elif field["type"] == "string" and parameter.type == "number":
        field["regexpValidator"] = FRACTION
    return field | ({"validators": validators} if validators else {})


def _type(parameter: Parameter) -> str:
    if parameter.hidden and parameter.type == "string":
        return "password"
    if parameter.type == "number" and parameter.is_fractional:
        return "string"
    for constraint in parameter.constraints:
        if constraint.kind == "allowed_values" and parameter.type in ("string", "number"):
            return "choice"
        if constraint.kind == "custom_constraint" and parameter.type == "string":
            offered = OFFERED.get(constraint.value)
            if offered:
                return offered
    return FIELD_TYPES.get(parameter.type, "string")


def _initial(parameter: Parameter, field_type: str) -> Any:
    value = parameter.default
    if isinstance(value, list) and parameter.type == "comma_delimited_list":
        return ",".join(map(str, value))
    if isinstance(value, (list, dict)):
        import json

        return json.dumps(value)
    return value if field_type in ("integer", "boolean") else str(value)


def _constrain(
    field: dict[str, Any], validators: list[dict[str, Any]], parameter: Parameter, constraint: Constraint
) -> None:
    """Put a constraint into the field: as an attribute where there is one for it, else as a validator."""
    kind, told = constraint.kind, hot.message(parameter, constraint)
    silent = constraint.description is None
    if kind == "length" and silent and field["type"] == "string" and parameter.type == "string":
        field.update({LENGTHS[key]: int(number) for key, number in constraint.value.items()})
    elif kind == "range" and silent and field["type"] == "integer":
        field.update({LIMITS[key]: int(number) for key, number in constraint.value.items()})
    elif kind == "allowed_values" and field["type"] == "choice":
        field["choices"] = [[str(one), str(one)] for one in constraint.value]
    elif kind == "allowed_pattern" and parameter.type == "string":
        validators.append({"expr": {"regexpValidator": hot.anchored(constraint.value)}, "message": told})
    else:
        is_text = field["type"] != "integer" and parameter.type == "number"
        wanted = hot.predicate(parameter, constraint, "float($)" if is_text else "$", hot.TEXT_ITEMS)
        if wanted is not None:
            validators.append({"expr": _Expression(f"$ = null or $ = '' or ({wanted})"), "message": told})
