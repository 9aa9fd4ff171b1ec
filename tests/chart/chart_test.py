#!/usr/bin/env python3
"""The chart, as helm renders it: valid, narrow, and of one piece with what else is deployed."""
import json
import pathlib
import re
import tempfile
import textwrap
import unittest

import kit

MUST_HAVE = ["BPF", "PERFMON", "SYSLOG"]
DEFAULT = MUST_HAVE + ["SYS_RESOURCE"]
EVERY = MUST_HAVE + ["SYS_PTRACE", "SYS_RESOURCE"]


class Rendered(unittest.TestCase):
    def test_helm_has_no_complaint(self):
        for case, values in kit.CASES.items():
            with self.subTest(case):
                done = kit.helm("lint", "--strict", kit.CHART, "--values", values)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertNotRegex(done.stdout, r"\[(WARNING|ERROR)\]")

    def test_every_case_is_valid_by_the_schemas_of_kubernetes(self):
        # kit.objects() raises where one is not.
        self.assertEqual({case: sorted(item["kind"] for item in kit.objects(case)) for case in kit.CASES}, {
            "default": ["ConfigMap", "DaemonSet", "ServiceAccount"],
            "everything": ["ConfigMap", "ConfigMap", "DaemonSet", "NetworkPolicy", "PodMonitor", "PrometheusRule",
                           "ServiceAccount"],
            "minimal": ["ConfigMap", "DaemonSet"],
            "no-metrics": ["ConfigMap", "DaemonSet", "NetworkPolicy", "ServiceAccount"],
            "openshift": ["ConfigMap", "DaemonSet", "SecurityContextConstraints", "Service", "ServiceAccount",
                          "ServiceMonitor"],
        })

    def test_schemas_refuse_what_is_wrong(self):
        for right, wrong in (("readOnlyRootFilesystem", "readOnlyRoot"), ("cpu: 20m", "cpu: [1]"),
                             ("terminationGracePeriodSeconds: 30", "terminationGracePeriodSeconds: soon")):
            with self.subTest(wrong):
                text = kit.rendered()
                self.assertIn(right, text)
                with self.assertRaises(AssertionError):
                    kit.parsed(text.replace(right, wrong))

    def test_wrong_values_are_refused(self):
        for wrong, named in (
                ("config.scope=everything", "scope"), ("config.keep=60", "keep"), ("config.dossiers=0", "dossiers"),
                ("config.memory=lots", "memory"), ("config.detial=auto", "detial"),
                ("image.digest=sha256:12", "digest"),
                ("config.exclude={a\"\nscope = \"all}", "exclude"), ("dossiers.hostPath=var/lib", "hostPath"),
                ("host.runtimeState=/etc", "runtimeState"), ("capabilities.sysAdmin=true", "sysAdmin"),
                ("metrics.port=70000", "port"), ("metrics.address=here", "address"),
                ("seccompProfile.type=None", "type"),
                ("seccompProfile.type=Localhost", "localhostProfile"), ("resources.limits=null", "limits"),
                ("updateStrategy.maxUnavailable=0", "maxUnavailable"), ("privileged=true", "privileged"),
                ("metrics.enabled=false,metrics.podMonitor.enabled=true", "podMonitor"),
                ("metrics.podMonitor.enabled=true,metrics.serviceMonitor.enabled=true", "serviceMonitor")):
            with self.subTest(wrong):
                done = kit.template("--set", wrong)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(named, done.stderr)

    def test_versions_are_the_projects(self):
        text = (kit.CHART / "Chart.yaml").read_text()
        self.assertEqual(re.findall(r'^(?:version|appVersion): "?([^"\n]*)"?$', text, re.M),
                         [kit.project_version()] * 2)

    def test_a_package_holds_the_rules_and_the_dashboard(self):
        with tempfile.TemporaryDirectory(prefix="memspike-test-") as place:
            done = kit.helm("package", kit.CHART, "--destination", place)
            self.assertEqual(done.returncode, 0, done.stderr)
            archive, = pathlib.Path(place).iterdir()
            kit.call(["tar", "xzf", archive, "-C", place], check=True)
            chart = pathlib.Path(place) / "memspike"
            self.assertEqual((chart / "files/memspike.json").read_text(),
                             (kit.DEPLOY / "grafana/memspike.json").read_text())
            self.assertEqual((chart / "files/memspike.rules.yml").read_text(),
                             (kit.DEPLOY / "prometheus/memspike.rules.yml").read_text())
            self.assertFalse((chart / "ci").exists())

    def test_notes_name_the_release(self):
        done = kit.helm("install", "spikes", kit.CHART, "--namespace", "watch", "--dry-run=client")
        self.assertEqual(done.returncode, 0, done.stderr)
        notes = done.stdout.split("NOTES:")[1]
        self.assertIn("kubectl -n watch rollout status daemonset/spikes-memspike", notes)
        self.assertIn("pod-security.kubernetes.io/enforce=privileged", notes)


class Rights(unittest.TestCase):
    def test_capabilities_are_exactly_these(self):
        for case, added in (("default", DEFAULT), ("everything", EVERY), ("openshift", DEFAULT),
                            ("no-metrics", DEFAULT), ("minimal", MUST_HAVE)):
            with self.subTest(case):
                context = kit.container_of(kit.objects(case))["securityContext"]
                self.assertEqual(context.pop("capabilities"), {"drop": ["ALL"], "add": added})
                for option in ("appArmorProfile", "seLinuxOptions"):
                    context.pop(option, None)
                self.assertEqual(context, {
                    "runAsUser": 0, "runAsGroup": 0, "privileged": False, "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True, "seccompProfile": {"type": "RuntimeDefault"}})

    def test_capabilities_are_those_that_the_guests_tests_have(self):
        numbers = {"SYS_PTRACE": 19, "SYS_RESOURCE": 24, "SYSLOG": 34, "PERFMON": 38, "BPF": 39}
        text = (kit.SOURCE / "tests/runtime/rights_test.cpp").read_text()
        tried = re.search(r"kOfThePod\{([0-9, ]+)\}", text).group(1)
        self.assertEqual({numbers[name] for name in EVERY}, {int(number) for number in tried.split(",")})

    def test_every_capability_says_what_it_is_for(self):
        lines = kit.rendered("everything").splitlines()
        for capability in EVERY:
            at = lines.index(f"                - {capability}")
            self.assertRegex(lines[at - 1], r"^ +# [A-Z].*\.$")

    def test_no_namespace_of_the_node_but_on_request(self):
        for case in kit.CASES:
            pod = kit.pod_of(kit.objects(case))
            self.assertEqual(pod.get("hostPID", False), case == "minimal", case)
            for name in ("hostNetwork", "hostIPC", "shareProcessNamespace", "securityContext"):
                self.assertNotIn(name, pod, case)

    def test_the_node_is_mounted_read_only_but_for_dossiers(self):
        for case in kit.CASES:
            everything = kit.objects(case)
            paths = {volume["name"]: volume["hostPath"] for volume in kit.pod_of(everything)["volumes"]
                     if "hostPath" in volume}
            mounts = kit.container_of(everything)["volumeMounts"]
            self.assertEqual(len({mount["mountPath"] for mount in mounts}), len(mounts))
            writable = [mount["name"] for mount in mounts if not mount.get("readOnly")]
            self.assertEqual(writable, ["dossiers", "socket"], case)
            self.assertEqual({name for name, path in paths.items() if path["type"] != "Directory"}, {"dossiers"})
            self.assertNotIn("/", [path["path"] for path in paths.values()])
            for mount in mounts:
                if mount["name"] in paths and mount["name"] != "dossiers":
                    self.assertEqual(mount["recursiveReadOnly"], "IfPossible")
                    self.assertTrue(mount["mountPath"].startswith("/host/") or case == "minimal", mount)

    def test_a_kubernetes_without_recursive_mounts_is_not_asked_for_them(self):
        self.assertNotIn("recursiveReadOnly", kit.rendered(kubernetes="1.30.9"))
        self.assertIn("recursiveReadOnly", kit.rendered(kubernetes="1.31.0"))
        self.assertNotEqual(kit.template(kubernetes="1.19.0").returncode, 0)

    def test_the_node_s_pids_come_with_its_namespace_or_its_proc(self):
        names = [mount["mountPath"] for mount in kit.container_of(kit.objects())["volumeMounts"]]
        self.assertIn("/host/proc", names)
        minimal = kit.container_of(kit.objects("minimal"))
        names = [mount["mountPath"] for mount in minimal["volumeMounts"]]
        self.assertNotIn("/proc", names)
        self.assertIn("/sys/fs/cgroup", names)
        self.assertNotIn("env", minimal)

    def test_no_right_at_the_api_server(self):
        for case in kit.CASES:
            everything = kit.objects(case)
            self.assertFalse([item for item in everything if "Role" in item["kind"]])
            self.assertIs(kit.pod_of(everything)["automountServiceAccountToken"], False)
            for item in everything:
                if item["kind"] == "ServiceAccount":
                    self.assertIs(item["automountServiceAccountToken"], False)

    def test_openshift_allows_what_the_daemonset_asks_for_and_no_more(self):
        everything = kit.objects("openshift")
        allowed = kit.only("SecurityContextConstraints", everything)
        self.assertEqual(allowed["allowedCapabilities"],
                         kit.container_of(everything)["securityContext"]["capabilities"]["add"])
        account = kit.only("ServiceAccount", everything)["metadata"]
        self.assertEqual(allowed["users"], [f"system:serviceaccount:{account['namespace']}:{account['name']}"])
        kinds = {next(key for key in volume if key != "name") for volume in kit.pod_of(everything)["volumes"]}
        self.assertEqual(set(allowed["volumes"]), kinds)
        for name in ("allowPrivilegedContainer", "allowHostPID", "allowHostNetwork", "allowHostIPC"):
            self.assertIs(allowed[name], False)


class Wiring(unittest.TestCase):
    def test_requests_and_limits_are_there(self):
        for case in kit.CASES:
            resources = kit.container_of(kit.objects(case))["resources"]
            for part in ("requests", "limits"):
                self.assertEqual(sorted(resources[part]), ["cpu", "memory"])

    def test_the_options_are_the_service_s(self):
        known = set(re.findall(r'"--([a-z-]+)"', (kit.SOURCE / "src/cli/serve_options.cpp").read_text()))
        for case in kit.CASES:
            names = re.findall(r"^([a-z-]+) = ", kit.config_of(kit.objects(case)), re.M)
            self.assertEqual(len(names), len(kit.config_of(kit.objects(case)).splitlines()))
            self.assertLessEqual(set(names), known)
        self.assertIn('exclude = ["kube-system/*", "shop/noisy-?/app"]\n', kit.config_of(kit.objects("everything")))
        self.assertNotIn("metrics", kit.config_of(kit.objects("no-metrics")))

    def test_pods_follow_the_config_and_nothing_else(self):
        def checksum(*more):
            metadata = kit.only("DaemonSet", kit.objects("default", *more))["spec"]["template"]["metadata"]
            return metadata["annotations"]["checksum/config"]
        self.assertEqual(checksum(), checksum("--set-string", "image.tag=2"))
        self.assertNotEqual(checksum(), checksum("--set", "config.keep=61s"))

    def test_the_port_is_one(self):
        everything = kit.objects("openshift", "--set", "metrics.port=9000")
        self.assertEqual(kit.container_of(everything)["ports"],
                         [{"name": "metrics", "containerPort": 9000, "protocol": "TCP"}])
        self.assertIn('metrics = "0.0.0.0:9000"', kit.config_of(everything))
        self.assertEqual(kit.only("Service", everything)["spec"]["ports"][0]["port"], 9000)
        self.assertNotIn("ports", kit.container_of(kit.objects("no-metrics")))

    def test_whoever_selects_the_pods_finds_them(self):
        everything = kit.objects("everything") + kit.objects("openshift")
        for item in everything:
            if item["kind"] == "DaemonSet":
                labels = item["spec"]["template"]["metadata"]["labels"]
                self.assertEqual(labels["app.kubernetes.io/name"], "memspike")  # as kubectl-memspike asks
        wanted = {"app.kubernetes.io/name": "memspike", "app.kubernetes.io/instance": "memspike"}
        for item in everything:
            spec = item.get("spec", {})
            selector = spec.get("podSelector", spec.get("selector"))
            if selector is not None:
                self.assertEqual(selector.get("matchLabels", selector), wanted, item["kind"])

    def test_labels_of_metrics_are_kept(self):
        for case, kind, at in (("everything", "PodMonitor", "podMetricsEndpoints"),
                               ("openshift", "ServiceMonitor", "endpoints")):
            endpoint, = kit.only(kind, kit.objects(case))["spec"][at]
            self.assertIs(endpoint["honorLabels"], True)
            self.assertEqual(endpoint["port"], "metrics")

    def test_nothing_goes_out(self):
        for case in ("everything", "no-metrics"):
            policy = kit.only("NetworkPolicy", kit.objects(case))["spec"]
            self.assertEqual(policy["egress"], [])
            self.assertEqual(policy["policyTypes"], ["Ingress", "Egress"])
        self.assertEqual(policy["ingress"], [])


class OneSource(unittest.TestCase):
    def test_the_rules_are_those_of_prometheus(self):
        source = (kit.DEPLOY / "prometheus/memspike.rules.yml").read_text()
        text = "\n".join(line.rstrip() for line in kit.rendered("everything").splitlines())
        self.assertIn("spec:\n" + "\n".join(line.rstrip() for line in textwrap.indent(source, "  ").splitlines()), text)
        rule = kit.only("PrometheusRule", kit.objects("everything"))
        with tempfile.TemporaryDirectory(prefix="memspike-test-") as place:
            rules = pathlib.Path(place) / "rules.yml"
            rules.write_text(json.dumps(rule["spec"]))  # which is YAML, too
            done = kit.call(["promtool", "check", "rules", rules])
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn(f"{len(re.findall('- (?:alert|record):', source))} rules found", done.stdout)

    def test_the_dashboard_is_grafana_s(self):
        data = next(item["data"] for item in kit.objects("everything") if "memspike.json" in item.get("data", {}))
        self.assertEqual(json.loads(data["memspike.json"]),
                         json.loads((kit.DEPLOY / "grafana/memspike.json").read_text()))


class Kustomize(unittest.TestCase):
    """The base is the chart's default, less what is Helm's own."""
    MADE = "# Made from the chart: MEMSPIKE_UPDATE_GOLDENS=1 tests/chart/run\n"

    def test_its_files_are_made_from_the_chart(self):
        head = "# Options of `memspike serve`, without the dashes.\n"
        wanted = {"memspike.conf": head + kit.config_of(kit.objects())}
        for document in kit.rendered().split("---\n"):
            kind = re.search(r"^kind: (.*)$", document, re.M)
            if kind is None or kind.group(1) == "ConfigMap":
                continue
            document = re.sub(r"^# Source:.*\n", "", document, flags=re.M)
            document = re.sub(r"^ +(helm\.sh/chart|app\.kubernetes\.io/managed-by):.*\n", "", document, flags=re.M)
            document = re.sub(r"^ +annotations:\n +checksum/config:.*\n", "", document, flags=re.M)
            wanted[kind.group(1).lower() + ".yaml"] = self.MADE + document
        for name, text in wanted.items():
            if kit.UPDATES:
                (kit.BASE / name).write_text(text)
            self.assertEqual((kit.BASE / name).read_text(), text, name)

    def test_it_is_what_the_chart_renders(self):
        done = kit.call([kit.tools() / "kubectl", "kustomize", kit.BASE])
        self.assertEqual(done.returncode, 0, done.stderr)
        base = json.loads(kit.parsed(done.stdout))
        namespace = kit.only("Namespace", base)
        base.remove(namespace)
        self.assertEqual(namespace["metadata"]["name"], kit.NAMESPACE)
        self.assertEqual(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "privileged")
        config = kit.only("ConfigMap", base)
        hashed = config["metadata"]["name"]
        self.assertRegex(hashed, "^memspike-[a-z0-9]+$")
        base = json.loads(json.dumps(base).replace(hashed, "memspike"))
        chart = kit.objects()
        for item in chart:
            for label in ("helm.sh/chart", "app.kubernetes.io/managed-by"):
                del item["metadata"]["labels"][label]
            if item["kind"] == "DaemonSet":
                del item["spec"]["template"]["metadata"]["annotations"]
        for everything in (base, chart):
            for item in everything:
                if item["kind"] == "ConfigMap":
                    item["data"]["memspike.conf"] = re.sub("^#.*\n", "", item["data"]["memspike.conf"])
            everything.sort(key=lambda item: item["kind"])
        self.assertEqual(base, chart)


if __name__ == "__main__":
    unittest.main()
