"""What the chart's tests share: the tools, the chart as it is rendered, and its objects."""
import functools
import json
import os
import pathlib
import re
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
DEPLOY = SOURCE / "tools" / "deploy"
CHART = DEPLOY / "helm" / "memspike"
BASE = DEPLOY / "kustomize"
CASES = {path.name.removesuffix("-values.yaml"): path for path in sorted((CHART / "ci").glob("*-values.yaml"))}
UPDATES = os.environ.get("MEMSPIKE_UPDATE_GOLDENS") == "1"
NAMESPACE = "memspike"
# Objects that were rendered before, CASE.json each: where there is no helm, as in a guest.
RENDERED = os.environ.get("MEMSPIKE_RENDERED")
# The newest Kubernetes that the helm fetched here knows is its default; said, so that it is the same tomorrow.
KUBERNETES = "1.35.0"


@functools.cache
def tools():
    return pathlib.Path(subprocess.run([HERE / "tools"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip())


def call(command, **options):
    return subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          **options)


def helm(*arguments):
    # Nothing of a user's own configuration.
    with tempfile.TemporaryDirectory(prefix="memspike-test-") as home:
        return call([tools() / "helm", *arguments], env={"PATH": os.environ["PATH"], "HOME": home})


def without_talk(text):
    """Helm tells of each linked file, on either stream."""
    return "".join(line for line in text.splitlines(True) if not line.startswith("level=INFO"))


def template(*more, kubernetes=KUBERNETES):
    return helm("template", "memspike", CHART, "--namespace", NAMESPACE, "--kube-version", kubernetes, *more)


@functools.cache
def rendered(case="default", *more, kubernetes=KUBERNETES):
    done = template("--values", CASES[case], *more, kubernetes=kubernetes)
    if done.returncode != 0:
        raise AssertionError(f"{case} {more}: {done.stderr}")
    return without_talk(done.stdout)


@functools.cache
def parsed(yaml):
    """The objects in it, each valid by Kubernetes' schemas."""
    done = call(["node", HERE / "objects.mjs", tools()], input=yaml)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout


def objects(case="default", *more, kubernetes=KUBERNETES):
    """A copy each time."""
    if RENDERED and not more:
        return json.loads((pathlib.Path(RENDERED) / f"{case}.json").read_text())
    return json.loads(parsed(rendered(case, *more, kubernetes=kubernetes)))


def only(kind, everything):
    found = [item for item in everything if item["kind"] == kind]
    assert len(found) == 1, f"{len(found)} of {kind}"
    return found[0]


def pod_of(everything):
    return only("DaemonSet", everything)["spec"]["template"]["spec"]


def container_of(everything):
    containers = pod_of(everything)["containers"]
    assert len(containers) == 1
    return containers[0]


def config_of(everything):
    for item in everything:
        if item["kind"] == "ConfigMap" and "memspike.conf" in item["data"]:
            return item["data"]["memspike.conf"]
    raise AssertionError("no memspike.conf")


def project_version():
    return re.search(r"project\(memspike VERSION ([0-9.]+)", (SOURCE / "CMakeLists.txt").read_text()).group(1)
