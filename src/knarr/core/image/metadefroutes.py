"""The metadata definitions' part of the image API, as one table."""

from __future__ import annotations

from knarr.core.image.api import metadefs
from knarr.core.image.api.metadefitems import OBJECTS, PROPERTIES, TAGS
from knarr.core.image.metadefs import PATH
from knarr.core.image.policies import SIGNED_IN
from knarr.core.image.schemas import (
    Association,
    NamedProperty,
    Namespace,
    NamespaceChange,
    Object,
    Tag,
    Tags,
)
from knarr.kernel.routing import Route

ONE = f"{PATH}/{{namespace}}"
TYPES = f"{ONE}/resource_types"
DEFINED = f"{ONE}/properties"
GET_NAMESPACES, GET_NAMESPACE = "get_metadef_namespaces", "get_metadef_namespace"
GET_OBJECTS, GET_OBJECT = "get_metadef_objects", "get_metadef_object"
GET_PROPERTIES, GET_PROPERTY = "get_metadef_properties", "get_metadef_property"
GET_TAGS, GET_TAG = "get_metadef_tags", "get_metadef_tag"
LIST_TYPES, GET_TYPE = "list_metadef_resource_types", "get_metadef_resource_type"

ROUTES: tuple[Route, ...] = (
    Route("GET", PATH, metadefs.index, GET_NAMESPACES, summary="List namespaces of definitions"),
    Route("POST", PATH, metadefs.create, "add_metadef_namespace", 201, Namespace, summary="Add a namespace"),
    Route("GET", ONE, metadefs.show, GET_NAMESPACE, summary="Show a namespace with all it holds"),
    Route("PUT", ONE, metadefs.update, SIGNED_IN, body=NamespaceChange, summary="Change a namespace"),
    Route("DELETE", ONE, metadefs.delete, SIGNED_IN, 204, summary="Delete a namespace with all it holds"),
    Route(
        "GET",
        "/v2/metadefs/resource_types",
        metadefs.resource_types,
        LIST_TYPES,
        summary="List types of resources",
    ),
    Route("GET", TYPES, metadefs.associations, GET_TYPE, summary="List the types a namespace is for"),
    Route("POST", TYPES, metadefs.associate, SIGNED_IN, 201, Association, summary="Add a type it is for"),
    Route("DELETE", f"{TYPES}/{{name}}", metadefs.dissociate, SIGNED_IN, 204, summary="Remove such a type"),
    Route("GET", f"{ONE}/objects", OBJECTS.index, GET_OBJECTS, summary="List objects"),
    Route("POST", f"{ONE}/objects", OBJECTS.create, SIGNED_IN, 201, Object, summary="Add an object"),
    Route("DELETE", f"{ONE}/objects", OBJECTS.clear, SIGNED_IN, 204, summary="Delete all objects"),
    Route("GET", f"{ONE}/objects/{{name}}", OBJECTS.show, GET_OBJECT, summary="Show an object"),
    Route("PUT", f"{ONE}/objects/{{name}}", OBJECTS.update, SIGNED_IN, body=Object, summary="Replace it"),
    Route("DELETE", f"{ONE}/objects/{{name}}", OBJECTS.delete, SIGNED_IN, 204, summary="Delete an object"),
    Route("GET", DEFINED, PROPERTIES.index, GET_PROPERTIES, summary="List properties"),
    Route("POST", DEFINED, PROPERTIES.create, SIGNED_IN, 201, NamedProperty, summary="Add a property"),
    Route("DELETE", DEFINED, PROPERTIES.clear, SIGNED_IN, 204, summary="Delete all properties"),
    Route("GET", f"{DEFINED}/{{name}}", PROPERTIES.show, GET_PROPERTY, summary="Show a property"),
    Route(
        "PUT", f"{DEFINED}/{{name}}", PROPERTIES.update, SIGNED_IN, body=NamedProperty, summary="Replace it"
    ),
    Route("DELETE", f"{DEFINED}/{{name}}", PROPERTIES.delete, SIGNED_IN, 204, summary="Delete it"),
    Route("GET", f"{ONE}/tags", TAGS.index, GET_TAGS, summary="List tags"),
    Route("POST", f"{ONE}/tags", TAGS.replace_tags, SIGNED_IN, 201, Tags, summary="Replace all tags"),
    Route("DELETE", f"{ONE}/tags", TAGS.clear, SIGNED_IN, 204, summary="Delete all tags"),
    Route("GET", f"{ONE}/tags/{{name}}", TAGS.show, GET_TAG, summary="Show a tag"),
    Route("POST", f"{ONE}/tags/{{name}}", TAGS.create, SIGNED_IN, 201, summary="Add a tag"),
    Route("PUT", f"{ONE}/tags/{{name}}", TAGS.update, SIGNED_IN, body=Tag, summary="Rename a tag"),
    Route("DELETE", f"{ONE}/tags/{{name}}", TAGS.delete, SIGNED_IN, 204, summary="Delete a tag"),
)
