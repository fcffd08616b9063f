"""The Kubernetes objects of a generation: a StatefulSet with a pod for each shard, and its service.

JSON documents, which are YAML, too: both `kubectl apply -f -` and every YAML parser read them.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

HOME = "/var/lib/echotune"
USER = 10_001
NAME_MAX = 43
"""Most characters of a generation's name: a StatefulSet's name has at most 52."""
_ORDINAL = "metadata.labels['apps.kubernetes.io/pod-index']"
"""The number of a pod in its set; from Kubernetes 1.28 on."""


class Needs(NamedTuple):
    """What a recommender of the generation needs."""

    image: str
    shards: int
    memory: str = "2Gi"
    storage: str = "10Gi"
    secret: str = "echotune"
    """Name of the Secret whose keys are further `ECHOTUNE_*` variables."""


def objects_of(
    generation: str, needs: Needs, environment: Mapping[str, str]
) -> list[dict[str, Any]]:
    """ConfigMap, headless Service and StatefulSet of a generation."""
    name = f"echotune-{generation}"
    labels = {
        "app.kubernetes.io/name": "echotune",
        "app.kubernetes.io/component": "recommender",
        "app.kubernetes.io/instance": name,
    }
    meta = {"name": name, "labels": labels}
    config = {"ECHOTUNE_GENERATION": generation, "ECHOTUNE_SHARDS": str(needs.shards)}
    service = {"clusterIP": "None", "selector": labels}  # it has no port, and only names the pods
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": meta,
            "data": {**config, **environment},
        },
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": service},
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": meta,
            "spec": _set(name, labels, needs),
        },
    ]


def _set(name: str, labels: dict[str, str], needs: Needs) -> dict[str, Any]:
    claim = {
        "metadata": {"name": "home"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": needs.storage}},
        },
    }
    return {
        "serviceName": name,
        "replicas": needs.shards,
        "podManagementPolicy": "Parallel",  # shards wait for no other shard
        "updateStrategy": {"type": "OnDelete"},  # another M waits until all pods of the former end
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": _pod(name, needs)},
        "volumeClaimTemplates": [claim],
    }


def _pod(name: str, needs: Needs) -> dict[str, Any]:
    return {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(name, needs)],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }


def _container(name: str, needs: Needs) -> dict[str, Any]:
    ordinal = {"fieldRef": {"fieldPath": _ORDINAL}}
    return {
        "name": "recommender",
        "image": needs.image,
        "args": ["worker", "recommender"],
        "envFrom": [
            {"configMapRef": {"name": name}},
            {"secretRef": {"name": needs.secret, "optional": True}},
        ],
        "env": [
            {"name": "ECHOTUNE_SHARD", "valueFrom": ordinal},
            {"name": "ECHOTUNE_HOME", "value": HOME},
            {"name": "NUMBA_CACHE_DIR", "value": f"{HOME}/numba"},  # the image is read-only
        ],
        "readinessProbe": {
            "exec": {"command": ["echotune", "ready"]},
            "periodSeconds": 15,
            "timeoutSeconds": 10,
        },
        "resources": {"requests": {"memory": needs.memory}, "limits": {"memory": needs.memory}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "home", "mountPath": HOME},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
    }


def as_yaml(objects: list[dict[str, Any]]) -> str:
    """The objects as documents of one YAML stream."""
    return "\n".join(f"---\n{json.dumps(each, indent=2)}" for each in objects)
