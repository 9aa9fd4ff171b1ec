#!/usr/bin/env python3
"""kubectl memspike, by the real kubectl, against a stub of an API server (apiserver.py)."""
import hashlib
import json
import os
import pathlib
import re
import stat
import tempfile
import unittest

import apiserver
import kit

PLUGIN = kit.DEPLOY / "kubectl" / "kubectl-memspike"
LABELS = {"app.kubernetes.io/name": "memspike"}

# memspike, as on the node $1: what it knows is in files of the directory $0.
STAND_IN = r"""
node=$1; shift 2
answer=$0/$node.$1
case "$*" in *--format=json*) [ ! -e "$answer.json" ] || answer=$answer.json ;; esac
if [ ! -e "$answer" ]; then echo "memspike: nothing is known" >&2; exit 3; fi
cat "$answer"
[ ! -e "$answer.code" ] || { echo "memspike: it is broken" >&2; exit "$(cat "$answer.code")"; }
"""


def kill(time_ns, comm="java"):
    return json.dumps({"api_version": 1, "kill": {"comm": comm, "time_ns": time_ns}, "text": "dead\n"}, indent=2) + "\n"


class Plugin(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix="memspike-test-")
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)
        (self.place / "bin").mkdir()
        (self.place / "home").mkdir()
        (self.place / "bin" / "kubectl").symlink_to(kit.tools() / "kubectl")
        (self.place / "bin" / "kubectl-memspike").symlink_to(PLUGIN)
        self.pods = [apiserver.pod("memspike", f"memspike-{node}", f"node-{node}", LABELS, containers=("memspike",))
                     for node in "abc"]
        self.pods.append(apiserver.pod("shop", "checkout-0", "node-b"))
        self.server = apiserver.ApiServer(
            self.pods, lambda name: ["/bin/sh", "-c", STAND_IN, str(self.place), name.replace("memspike-", "node-")])
        self.addCleanup(self.server.__exit__)
        self.config = self.place / "kubeconfig"
        self.config.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "stub", "cluster": {"server": self.server.url}}],
            "users": [{"name": "me", "user": {}}],
            "contexts": [{"name": "here", "context": {"cluster": "stub", "user": "me", "namespace": "shop"}},
                         {"name": "bare", "context": {"cluster": "stub", "user": "me"}}]}))

    def tells(self, node, command, text, code=None):
        (self.place / f"node-{node}.{command}").write_bytes(text if isinstance(text, bytes) else text.encode())
        if code is not None:
            (self.place / f"node-{node}.{command}.code").write_text(str(code))

    def run_plugin(self, *arguments, command=(PLUGIN,), code=0, **more):
        environment = {"PATH": f"{self.place}/bin:{os.environ['PATH']}", "HOME": str(self.place / "home"),
                       "KUBECONFIG": str(self.config), **more}
        done = kit.call([*command, *arguments], env=environment, cwd=self.place, timeout=120)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(list(self.place.glob("kubectl-memspike.*")), [])
        return done

    def executed(self):
        return [(pod, words) for pod, container, words in self.server.executed if container == "memspike"]

    # --- a pod that is there ---

    def test_why_is_asked_on_the_pod_s_node(self):
        self.tells("b", "why", "its own limit\n")
        done = self.run_plugin("why", "checkout-0", command=["kubectl", "memspike"])
        self.assertEqual(done.stdout, "its own limit\n")
        self.run_plugin("why", "pod/checkout-0", "--container=app", "-f", "json")
        self.assertEqual(self.executed(), [
            ("memspike-b", ["memspike", "why", "shop/checkout-0"]),
            ("memspike-b", ["memspike", "why", "--format=json", "shop/checkout-0/app"])])

    def test_every_posix_shell_does(self):
        self.tells("b", "why", "its own limit\n")
        for shell in (["dash"], ["bash", "--posix"], ["busybox", "sh"]):
            done = self.run_plugin("why", "checkout-0", command=[*shell, PLUGIN])
            self.assertEqual(done.stdout, "its own limit\n", shell)

    def test_the_namespace_is_the_context_s_or_the_given_one(self):
        self.tells("b", "record", "a report\n")
        self.run_plugin("record", "checkout-0")
        self.run_plugin("record", "checkout-0", "-n", "shop", "--context", "bare", "-d", "5s", "-f", "csv")
        self.run_plugin("record", "checkout-0", "--context=bare", code=3)
        self.assertEqual(self.executed(), [
            ("memspike-b", ["memspike", "record", "--pod=shop/checkout-0", "--duration=1m", "--quiet"]),
            ("memspike-b", ["memspike", "record", "--pod=shop/checkout-0", "--duration=5s", "--quiet",
                            "--format=csv"])])

    def test_memspike_s_exit_code_is_the_plugin_s(self):
        self.tells("b", "record", "half a report\n", code=4)
        done = self.run_plugin("record", "checkout-0", code=4)
        self.assertEqual(done.stdout, "half a report\n")
        self.assertIn("it is broken", done.stderr)

    def test_a_result_goes_to_a_file_whole_or_not_at_all(self):
        page = bytes(range(256)) * 12000  # 3 MB
        self.tells("b", "last", page)
        self.run_plugin("last", "checkout-0", "--for", "30s", "-o", "night.html")
        self.assertEqual((self.place / "night.html").read_bytes(), page)
        self.assertEqual(stat.S_IMODE((self.place / "night.html").stat().st_mode), 0o600)
        self.assertEqual(self.executed()[-1], (
            "memspike-b", ["memspike", "last", "--for=30s", "shop/checkout-0", "--format=html"]))
        self.tells("b", "last", page, code=1)
        self.run_plugin("last", "checkout-0", "-o", "other.pftrace", code=1)
        self.assertIn("--format=perfetto", self.executed()[-1][1])
        self.assertEqual([path.name for path in self.place.glob("other*")], [])
        self.run_plugin("last", "checkout-0", "-o", "nowhere/night.html", code=1)
        self.tells("b", "last", page, code=0)
        self.run_plugin("last", "checkout-0", "-o", "/dev/null")
        self.assertTrue(pathlib.Path("/dev/null").is_char_device())

    # --- a pod that is gone ---

    def test_why_of_a_pod_that_is_gone_is_that_of_the_newest_kill(self):
        for node, time_ns, comm in (("a", 1764500000000000001, 'x",\n    "time_ns": 1964500000000000000,\n'),
                                    ("c", 1764500000000000002, "java")):
            self.tells(node, "why.json", kill(time_ns, comm))
            self.tells(node, "why", f"of {node}\n")
        done = self.run_plugin("why", "checkout-9")
        self.assertEqual(done.stdout, "of c\n")
        self.assertIn("of node node-c", done.stderr)
        self.assertEqual({pod for pod, _ in self.executed()}, {"memspike-a", "memspike-b", "memspike-c"})
        self.assertEqual(self.executed()[-1], ("memspike-c", ["memspike", "why", "shop/checkout-9"]))

    def test_a_pod_that_died_on_another_node_is_found_there(self):
        self.tells("a", "why.json", kill(1764500000000000001))
        self.tells("a", "why", "of a\n")
        done = self.run_plugin("why", "checkout-0")
        self.assertEqual(done.stdout, "of a\n")
        self.assertNotIn("exit code", done.stderr)

    def test_what_nobody_knows_is_not_found(self):
        done = self.run_plugin("why", "checkout-9", code=3)
        self.assertIn("no kill of shop/checkout-9 is known on any of 3 nodes", done.stderr)
        self.assertIn("nothing of shop/checkout-9", self.run_plugin("last", "checkout-9", code=3).stderr)
        self.run_plugin("record", "checkout-9", code=3)

    def test_a_node_that_does_not_answer_is_told(self):
        self.tells("a", "why.json", kill(1764500000000000001))
        self.tells("a", "why", "of a\n")
        self.tells("c", "why", "", code=1)
        done = self.run_plugin("why", code=1)
        self.assertEqual(done.stdout, "of a\n")
        self.assertIn("node node-c did not answer: memspike: it is broken", done.stderr)

    def test_the_last_minute_is_found_where_it_is_kept(self):
        self.tells("c", "last.json", "{}")
        self.tells("c", "last", "a minute\n")
        done = self.run_plugin("last", "checkout-9", "-o", "minute.txt")
        self.assertEqual((self.place / "minute.txt").read_text(), "a minute\n")
        self.assertIn("of node node-c", done.stderr)

    # --- all nodes ---

    def test_kills_are_those_of_all_nodes(self):
        none = "no OOM kill is known\n"
        for node, text in (("a", none), ("b", "one\n"), ("c", "two\nthree\n")):
            self.tells(node, "kills", text)
            self.tells(node, "kills.json", '{"kills": []}')
        self.assertEqual(self.run_plugin("kills", "--since", "24h").stdout,
                         "node node-b\none\n\nnode node-c\ntwo\nthree\n")
        answer = json.loads(self.run_plugin("kills", "checkout-0", "--format=json").stdout)
        self.assertEqual(answer, [{"node": f"node-{node}", "answer": {"kills": []}} for node in "abc"])
        self.assertIn(("memspike-a", ["memspike", "kills", "--format=json", "shop/checkout-0"]), self.executed())
        self.assertEqual(self.run_plugin("kills", "--node", "node-a").stdout, none)

    def test_list_and_status_show_each_node(self):
        for node in "abc":
            self.tells(node, "list", f"pods of {node}\n")
            self.tells(node, "status", f"cost of {node}\n")
        self.assertEqual(self.run_plugin("list", "--node=node-c").stdout, "node node-c\npods of c\n")
        self.assertEqual(self.run_plugin("status").stdout.count("cost of"), 3)

    def test_more_nodes_than_are_asked_at_a_time_are_asked_all(self):
        self.server.pods = [apiserver.pod("memspike", f"memspike-a{i}", f"node-a{i}", LABELS) for i in range(20)]
        for i in range(20):
            self.tells(f"a{i}", "why.json", kill(1764500000000000000 + i))
            self.tells(f"a{i}", "why", f"of {i}\n")
        self.assertEqual(self.run_plugin("why").stdout, "of 19\n")

    # --- hostile, or wrong ---

    def test_names_that_kubernetes_does_not_allow_go_nowhere(self):
        for name in ("a;touch x", "$(touch x)", "`touch x`", "a b", "a\nb", "../a", "a/b", "A", "é", "-", "a" * 300,
                     "a'", ""):
            for arguments in (["why", name], ["last", "checkout-0", f"--namespace={name}"],
                              ["record", "checkout-0", "--container", name], ["why", "a", "--node", name]):
                if name == "" and arguments[1] != "":
                    continue  # an empty option is as none
                with self.subTest(arguments):
                    self.run_plugin(*arguments, code=2)
        self.run_plugin("why", "$(touch x);touch x", code=2, command=["kubectl", "memspike"])
        self.assertEqual(self.server.executed, [])
        self.assertFalse((self.place / "x").exists())

    def test_names_from_elsewhere_are_no_commands_either(self):
        self.pods[0]["metadata"]["name"] = "memspike-a;touch"
        self.pods[1]["spec"]["nodeName"] = "$(touch x)\x1b[31m"
        self.tells("b", "status", "fine\n")
        done = self.run_plugin("status", code=1)
        self.assertEqual(done.stdout, "node unknown\nfine\n")
        self.assertNotIn("\x1b", done.stdout + done.stderr)
        self.assertFalse((self.place / "x").exists())

    def test_who_only_says_to_be_memspike_is_not_asked(self):
        self.server.pods.append(apiserver.pod("evil", "memspike-x", "node-b", LABELS, containers=("memspike",)))
        done = self.run_plugin("why", "checkout-0", code=1)
        self.assertIn("--agents", done.stderr)
        self.assertEqual(self.server.executed, [])
        self.tells("b", "why", "its own limit\n")
        self.assertEqual(self.run_plugin("why", "checkout-0", "--agents=memspike").stdout, "its own limit\n")
        self.run_plugin("why", "checkout-0", MEMSPIKE_AGENTS="memspike")
        self.assertEqual({pod for pod, _ in self.executed()}, {"memspike-b"})

    def test_without_memspike_it_says_so(self):
        self.server.pods = [apiserver.pod("shop", "checkout-0", "node-b")]
        self.assertIn("does not run on node node-b", self.run_plugin("why", "checkout-0", code=1).stderr)
        self.run_plugin("status", "--server=http://127.0.0.1:1", code=1)

    def test_wrong_usage_is_2_and_help_is_0(self):
        for arguments in ([], ["wyh"], ["why", "a", "b"], ["why", "--colour"], ["record"], ["last"], ["list", "a"],
                          ["why", "-n"], ["why", "-c", "app"]):
            with self.subTest(arguments):
                self.assertEqual(self.run_plugin(*arguments, code=2).stdout, "")
        self.assertIn("why [POD]", self.run_plugin("--help").stdout)
        self.assertEqual(self.run_plugin("--version").stdout, f"kubectl-memspike {kit.project_version()}\n")


class Packaged(unittest.TestCase):
    def test_it_is_plain_posix_shell(self):
        done = kit.call(["shellcheck", "-s", "sh", PLUGIN, kit.DEPLOY / "kubectl" / "archive"])
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_krew_s_manifest_is_of_this_archive(self):
        manifest = kit.DEPLOY / "kubectl" / "memspike.yaml"
        with tempfile.TemporaryDirectory(prefix="memspike-test-") as place:
            archive = pathlib.Path(place) / "memspike.tar.gz"
            kit.call([kit.DEPLOY / "kubectl" / "archive", archive], check=True)
            checksum = hashlib.sha256(archive.read_bytes()).hexdigest()
            names = kit.call(["tar", "tf", archive], check=True).stdout.split()
        text = manifest.read_text()
        if kit.UPDATES:
            text = re.sub('sha256: ".*"', f'sha256: "{checksum}"', text)
            manifest.write_text(text)
        self.assertIn(f'sha256: "{checksum}"', text)
        self.assertIn(f"version: v{kit.project_version()}\n", text)
        self.assertEqual(re.findall("from: ([^,]+),", text), names)


if __name__ == "__main__":
    unittest.main()
