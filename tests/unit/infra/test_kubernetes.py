"""The Kubernetes objects of a generation say what its record says."""

import json
from typing import Any

import pytest

from infra.kubernetes import Needs, as_yaml, objects_of
from streams.settings import Settings

IMAGE = "registry.example/echotune@sha256:" + "0" * 64


@pytest.fixture
def objects() -> dict[str, Any]:
    """The printed objects by kind, as a parser of JSON, hence of YAML, reads them."""
    needs = Needs(IMAGE, shards=3, memory="3Gi", storage="20Gi")
    printed = as_yaml(objects_of("second", needs, {"ECHOTUNE_KAFKA": "kafka:9092"}))
    documents = [json.loads(each) for each in printed.split("---\n") if each]
    return {each["kind"]: each for each in documents}


def container_of(objects: dict[str, Any]) -> dict[str, Any]:
    (container,) = objects["StatefulSet"]["spec"]["template"]["spec"]["containers"]
    return dict(container)


def test_there_is_a_set_with_its_service_and_its_settings(objects: dict[str, Any]) -> None:
    assert [(each["apiVersion"], kind) for kind, each in objects.items()] == [
        ("v1", "ConfigMap"),
        ("v1", "Service"),
        ("apps/v1", "StatefulSet"),
    ]
    assert {each["metadata"]["name"] for each in objects.values()} == {"echotune-second"}


def test_each_pod_is_a_shard_by_its_number_and_its_image_is_the_given_one(
    objects: dict[str, Any],
) -> None:
    container = container_of(objects)
    assert objects["StatefulSet"]["spec"]["replicas"] == 3
    assert container["image"] == IMAGE
    assert container["args"] == ["worker", "recommender"]
    (ordinal,) = [each for each in container["env"] if each["name"] == "ECHOTUNE_SHARD"]
    path = ordinal["valueFrom"]["fieldRef"]["fieldPath"]
    assert path == "metadata.labels['apps.kubernetes.io/pod-index']"


def test_the_recommender_gets_the_settings_of_its_generation(objects: dict[str, Any]) -> None:
    data = objects["ConfigMap"]["data"]
    assert data == {
        "ECHOTUNE_GENERATION": "second",
        "ECHOTUNE_SHARDS": "3",
        "ECHOTUNE_KAFKA": "kafka:9092",
    }
    names = {key.removeprefix("ECHOTUNE_").lower() for key in data}
    assert names <= Settings.model_fields.keys()
    sources = container_of(objects)["envFrom"]
    assert sources[0] == {"configMapRef": {"name": objects["ConfigMap"]["metadata"]["name"]}}


def test_what_selects_pods_selects_those_of_this_generation(objects: dict[str, Any]) -> None:
    spec = objects["StatefulSet"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/instance"] == "echotune-second"
    assert spec["selector"]["matchLabels"] == labels == objects["Service"]["spec"]["selector"]
    assert spec["serviceName"] == objects["Service"]["metadata"]["name"]
    assert objects["Service"]["spec"]["clusterIP"] == "None"


def test_another_number_of_shards_never_runs_beside_the_former_one(objects: dict[str, Any]) -> None:
    assert objects["StatefulSet"]["spec"]["updateStrategy"] == {"type": "OnDelete"}


def test_a_pod_writes_to_its_volumes_alone_and_has_no_rights(objects: dict[str, Any]) -> None:
    pod, container = objects["StatefulSet"]["spec"]["template"]["spec"], container_of(objects)
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    (claim,) = objects["StatefulSet"]["spec"]["volumeClaimTemplates"]
    assert mounts.keys() == {claim["metadata"]["name"], *(each["name"] for each in pod["volumes"])}
    written = {e["name"]: e.get("value", "") for e in container["env"]}
    home = mounts["home"]
    assert written["ECHOTUNE_HOME"] == home
    assert written["NUMBA_CACHE_DIR"].startswith(home)


def test_a_pod_is_ready_when_its_recommender_says_so(objects: dict[str, Any]) -> None:
    container = container_of(objects)
    assert container["readinessProbe"]["exec"]["command"] == ["echotune", "ready"]
    assert container["resources"]["limits"] == {"memory": "3Gi"}
