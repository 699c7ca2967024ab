"""Clusters, kubeconfigs and Prometheus servers that are wrong: what could be judged is judged, what
could not is named, exit 2, nothing changed, and no credential is shown."""

from __future__ import annotations

import base64
import json
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.command import Done, refused, zerofloor
from tests.lab.harness.certificates import write_certificates
from tests.live.aws_account import export
from tests.live.fake_cluster import (
    TOKEN,
    Fake,
    deployed,
    kubeconfig_for,
    node,
    pod,
    running_fake,
    scaled_object,
)


@pytest.fixture
def fake() -> Iterator[Fake]:
    with running_fake() as running:
        running.add(node("n1", 8, "g5.48xlarge"), *deployed("a", "n1"))
        yield running


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it waited, without waiting."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits


def live(folder: Path, *arguments: str | Path, **environ: str) -> Done:
    done = zerofloor(
        "live", export(folder), *arguments, "--format", "json", cwd=folder, environ=environ
    )
    assert TOKEN not in done.out + done.err
    assert "PRIVATE" not in done.out + done.err
    return done


def ids(done: Done) -> set[str]:
    return {one["id"] for one in json.loads(done.out)["found"]}


def written(folder: Path, config: Any, name: str = "kubeconfig") -> Path:
    path = folder / name
    path.write_text(config if isinstance(config, str) else yaml.safe_dump(config))
    return path


def with_user(url: str, **user: Any) -> dict[str, Any]:
    config = kubeconfig_for(url)
    config["users"] = [{"name": "u", "user": user}]
    return config


def without(config: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name != key}


GOOD = kubeconfig_for("http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (f"users:\n- name: u\n  user: {{token: {TOKEN}\n", "not YAML (line"),
        (f"{TOKEN}\n", "not a kubeconfig"),
        ("", "no current context"),
        ("[]", "not a kubeconfig"),
        (f"clusters: {TOKEN}\n", "not a kubeconfig"),
        (f"clusters: [{{cluster: {{server: {TOKEN}}}}}]\n", "not a kubeconfig"),
        (without(GOOD, "current-context"), "no current context: name one with --context"),
        (without(GOOD, "contexts"), "no context 'prod'; it has: none"),
        (GOOD | {"contexts": [{"name": "prod"}]}, "context prod: its cluster has no server"),
        (without(GOOD, "clusters"), "its cluster has no server"),
        (without(GOOD, "users"), "its user isn't there"),
        (kubeconfig_for("ftp://127.0.0.1"), "context prod"),
        (kubeconfig_for("http://[::1"), "context prod"),
        (kubeconfig_for("https://127.0.0.1:1", **{"certificate-authority-data": f"%%{TOKEN}"}), "isn't base64"),
        (kubeconfig_for("https://127.0.0.1:1", **{"certificate-authority-data": base64.b64encode(TOKEN.encode()).decode()}), "can't be used"),
        (kubeconfig_for("https://127.0.0.1:1", **{"certificate-authority": "absent.crt"}), "no such file"),
        (kubeconfig_for("https://127.0.0.1:1", **{"insecure-skip-tls-verify": TOKEN}), "context prod"),
        (kubeconfig_for("https://127.0.0.1:1", **{"tls-server-name": "x"}), "tls-server-name isn't supported"),
        (with_user("https://127.0.0.1:1", **{"client-certificate": "absent", "client-key": "absent"}), "no such file"),
        (with_user("https://127.0.0.1:1", token=[TOKEN]), "context prod"),
        (with_user("https://127.0.0.1:1", exec={"command": TOKEN[:5]}), "no command and apiVersion"),
        (with_user("https://127.0.0.1:1", **{"auth-provider": {"name": "gcp"}}), "auth-provider isn't supported"),
    ],
)  # fmt: skip
def test_a_kubeconfig_that_is_none_is_one_line(tmp_path: Path, config: Any, said: str) -> None:
    line = refused(live(tmp_path, "--kubeconfig", written(tmp_path, config)))
    assert said in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--kubeconfig", "absent"), "absent: can't be read: No such file"),
        (("--kubeconfig", "kubeconfig", "--context", "prd"), "no context 'prd'; it has: prod"),
        (("--kubeconfig", "kubeconfig", "--namespace", "a/../b"), "not the name of a namespace"),
        (("--kubeconfig", "kubeconfig", "--prometheus", "prometheus:9090"), "expected http://HOST:PORT"),
        (("--kubeconfig", "kubeconfig", "--prometheus", f"ftp://u:{TOKEN}@h"), "--prometheus ftp://h: not an address"),
        (("--kubeconfig", "kubeconfig", "--queries", "kubeconfig"), "not queries"),
        (("--kubeconfig", "kubeconfig", "--queries", "absent"), "can't be read"),
        (("--namespace", "ml"), "name one with --context"),
        ((), "name a region (--region us-east-1) or a cluster (--context NAME)"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    written(tmp_path, GOOD)
    assert said in refused(live(tmp_path, *arguments))


def test_without_lightkube_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("lightkube", "lightkube.config.kubeconfig"):
        monkeypatch.setitem(sys.modules, name, None)
    line = refused(live(tmp_path, "--kubeconfig", written(tmp_path, GOOD)))
    assert "needs lightkube" in line


def test_a_refused_connection_leaves_the_other_clusters(tmp_path: Path, fake: Fake) -> None:
    config = kubeconfig_for(fake.url)
    config["contexts"].append({"name": "down", "context": {"cluster": "down", "user": "u"}})
    config["clusters"].append({"name": "down", "cluster": {"server": "http://127.0.0.1:1"}})
    path = written(tmp_path, config)
    done = live(tmp_path, "--kubeconfig", path, "--context", "down", "--context", "prod")
    assert done.code == 2
    assert ids(done) == {"ml/a", "n1"}
    assert done.err.count("\n") == 1
    assert "http://127.0.0.1:1 (down): " in done.err
    assert "Connection refused" in done.err


def test_credentials_that_are_not_accepted_are_told_once(tmp_path: Path, fake: Fake) -> None:
    fake.refuse("/", 401)
    done = live(tmp_path, "--kubeconfig", fake.kubeconfig(tmp_path))
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "401 Unauthorized: these credentials aren't accepted" in done.err


def test_a_connection_that_breaks_off_leaves_what_was_read(
    tmp_path: Path, fake: Fake, slept: list[float]
) -> None:
    """It is tried again; what can't be read to its owner isn't called an orphan."""

    def broken(method: str, path: str, query: dict[str, str]) -> Any:
        if "/replicasets" in path:
            raise ConnectionResetError
        return None

    fake.answers.append(broken)
    done = live(tmp_path, "--kubeconfig", fake.kubeconfig(tmp_path))
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert f"{fake.url} (prod): " in done.err
    assert slept == [0.5, 1.0, 2.0]
    states = {one["id"]: one["state"] for one in json.loads(done.out)["found"]}
    assert states == {"ml/a-rs": "running", "n1": "orphaned"}


@pytest.mark.parametrize(
    ("part", "said", "left"),
    [
        ("/api/v1/nodes", "list nodes of prod: 403 Forbidden", {"ml/a"}),
        ("/namespaces/ml/replicasets", "list replicasets.apps in namespace ml of prod: 403", {"ml/a-rs", "n1"}),
        ("/namespaces/ml/deployments", "list deployments.apps in namespace ml of prod: 403", {"ml/a", "n1"}),
        ("scaledobjects", "list scaledobjects.keda.sh in namespace ml of prod: 403", {"ml/a", "n1"}),
        ("/api/v1/pods", "list pods in all namespaces of prod: 403", {"n1"}),
    ],
)  # fmt: skip
def test_a_kind_that_is_refused_is_named_and_the_rest_is_judged(
    tmp_path: Path, fake: Fake, part: str, said: str, left: set[str]
) -> None:
    fake.add(scaled_object("a", 0))
    fake.refuse(part, 403)
    done = live(tmp_path, "--kubeconfig", fake.kubeconfig(tmp_path))
    assert done.code == 2
    assert said in done.err
    assert ids(done) == left
    states = {one["id"]: one["state"] for one in json.loads(done.out)["found"]}
    # Where it can't be read whose it is, it isn't called an orphan.
    assert states.get("ml/a-rs", "running") == "running"
    reaped = zerofloor(
        "reap",
        export(tmp_path),
        "--kubeconfig",
        fake.kubeconfig(tmp_path),
        "--apply",
        "0",
        cwd=tmp_path,
    )
    assert reaped.code == 2
    assert "something could not be read, so nothing is changed" in reaped.err


def test_one_namespace_may_be_all_that_a_user_sees(tmp_path: Path, fake: Fake) -> None:
    for name, code in (("/api/v1/pods", 403), ("/namespaces/closed/", 403)):
        fake.refuse(name, code)
    done = live(
        tmp_path,
        "--kubeconfig",
        fake.kubeconfig(tmp_path),
        "--namespace",
        "ml",
        "--namespace",
        "closed",
    )
    assert done.code == 2
    assert ids(done) == {"ml/a", "n1"}
    assert "list pods in namespace closed of prod: 403 Forbidden" in done.err


def test_throttling_is_waited_for(tmp_path: Path, fake: Fake, slept: list[float]) -> None:
    fake.refuse("/api/v1/pods", 429, {"Retry-After": "3"}, times=2)
    done = live(tmp_path, "--kubeconfig", fake.kubeconfig(tmp_path))
    assert done.code == 1, done.err
    assert slept == [3.0, 3.0]
    assert ids(done) == {"ml/a", "n1"}


@pytest.mark.parametrize(
    ("code", "headers", "waits"),
    [(429, {"Retry-After": "3600"}, [10.0] * 3), (503, {}, [0.5, 1.0, 2.0])],
)
def test_throttling_without_end_is_named(
    tmp_path: Path,
    fake: Fake,
    slept: list[float],
    code: int,
    headers: dict[str, str],
    waits: list[float],
) -> None:
    fake.refuse("/api/v1/pods", code, headers)
    done = live(tmp_path, "--kubeconfig", fake.kubeconfig(tmp_path))
    assert done.code == 2
    assert f"list pods in all namespaces of prod: {code}" in done.err
    assert slept == waits
    assert ids(done) == {"n1"}


def test_plain_text_throttling_is_throttling(
    tmp_path: Path, fake: Fake, slept: list[float]
) -> None:
    """As kube-apiserver's own filter answers, without a Status."""
    answers = [(429, {"Retry-After": "1"}, b"Too many requests, please try again later.\n")]

    def answer(method: str, path: str, query: dict[str, str]) -> Any:
        return answers.pop() if path == "/api/v1/pods" and answers else None

    fake.answers.append(answer)
    done = live(tmp_path, "--kubeconfig", fake.kubeconfig(tmp_path))
    assert done.code == 1, done.err
    assert slept == [1.0]
    assert ids(done) == {"ml/a", "n1"}


@pytest.mark.parametrize("pages", ["expire", "fail"])
def test_a_list_of_many_pages(tmp_path: Path, fake: Fake, slept: list[float], pages: str) -> None:
    """An expired continue token starts the list anew, all at once; a page that fails leaves no part
    of it."""
    for index in range(30):
        fake.add(pod(f"bare-{index}", "n1"))
    fake.page = 10
    code = 410 if pages == "expire" else 500

    def answer(method: str, path: str, query: dict[str, str]) -> Any:
        if path == "/api/v1/pods" and query.get("continue") == "20":
            body = {
                "kind": "Status",
                "code": code,
                "message": "The provided continue parameter is too old",
            }
            return code, {"Content-Type": "application/json"}, json.dumps(body).encode()
        if path == "/api/v1/pods" and "limit" not in query:
            fake.page = 0
        return None

    fake.answers.append(answer)
    done = live(tmp_path, "--kubeconfig", fake.kubeconfig(tmp_path))
    if pages == "expire":
        assert done.code == 1, done.err
        assert len(ids(done)) == 32
    else:
        assert done.code == 2
        assert ids(done) == {"n1"}
        assert "list pods in all namespaces of prod: 500" in done.err


def test_a_huge_cluster_is_read_in_pages(tmp_path: Path, fake: Fake) -> None:
    for index in range(3000):
        fake.add(pod(f"web-{index}", "cpu", gpus=0, namespace="web"))
    asked: list[str] = []

    def note(method: str, path: str, query: dict[str, str]) -> None:
        if path == "/api/v1/pods":
            asked.append(query.get("limit", ""))

    fake.answers.append(note)
    done = live(tmp_path, "--kubeconfig", fake.kubeconfig(tmp_path))
    assert done.code == 1, done.err
    assert ids(done) == {"ml/a", "n1"}
    assert asked == ["500"] * 7


def test_names_and_answers_that_are_hostile(tmp_path: Path, fake: Fake) -> None:
    fake.objects.clear()
    fake.add(node("\x1b[31mred\nzerofloor: all is well"), pod("a\u202eb", "n1"))
    strange = pod("odd", "n1")
    strange["spec"]["containers"] = "none"
    strange["metadata"] |= {"ownerReferences": [None, 3, {"kind": []}], "creationTimestamp": 7}
    fake.add(strange)
    config = fake.kubeconfig(tmp_path)
    done = zerofloor("live", export(tmp_path), "--kubeconfig", config, cwd=tmp_path)
    assert done.code == 1, done.err
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out
    assert not any(line.startswith("zerofloor: ") for line in done.out.splitlines())


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Log in</html>",
        b"[]",
        b'"x"',
        b"{}",
        b'{"items": 3}',
        b'{"items": [3]}',
        b"",
        b"\xff",
    ],
)
def test_an_answer_that_is_none_of_kubernetes(tmp_path: Path, fake: Fake, body: bytes) -> None:
    fake.answers.append(lambda method, path, query: (200, {"Content-Type": "text/html"}, body))
    done = live(tmp_path, "--kubeconfig", fake.kubeconfig(tmp_path))
    assert "internal error" not in done.err
    assert done.code == 2, body


def test_a_redirect_is_not_followed(tmp_path: Path, fake: Fake) -> None:
    fake.answers.append(lambda method, path, query: (302, {"Location": "http://elsewhere/"}, b""))
    done = live(tmp_path, "--kubeconfig", fake.kubeconfig(tmp_path))
    assert done.code == 2
    assert "302 Found" in done.err


def test_a_clock_that_is_behind_is_told(tmp_path: Path, fake: Fake) -> None:
    config = fake.kubeconfig(tmp_path)
    done = live(tmp_path, "--kubeconfig", config, "--now", "2026-10-01T00:00:00+00:00")
    assert done.code == 2
    assert "the clock of prod: objects there are newer than now" in done.err
    assert done.err.count("\n") == 1


def test_certificates_that_do_not_fit(tmp_path: Path, fake: Fake) -> None:
    import ssl
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    write_certificates(tmp_path / "theirs")
    write_certificates(tmp_path / "ours")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "theirs" / "tls.crt", tmp_path / "theirs" / "tls.key")
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.handle_error = lambda request, address: None  # type: ignore[method-assign,assignment]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    ).start()
    try:
        url = f"https://127.0.0.1:{server.server_address[1]}"
        config = kubeconfig_for(url, **{"certificate-authority": "ours/ca.crt"})
        done = live(tmp_path, "--kubeconfig", written(tmp_path, config))
    finally:
        server.shutdown()
        server.server_close()
    assert done.code == 2
    assert "its certificate isn't one that this kubeconfig trusts" in done.err


def plugin(folder: Path, script: str, name: str = "plugin") -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha1"])
def test_a_credential_plugin_of_any_version(tmp_path: Path, fake: Fake, version: str) -> None:
    plugin(
        tmp_path,
        'case "$KUBERNETES_EXEC_INFO" in *client.authentication.k8s.io*) ;; *) exit 3;; esac\n'
        f'[ "$CLUSTER $1" = "prod get-token" ] && echo \'{{"status": {{"token": "{TOKEN}"}}}}\'',
    )
    given = {
        "apiVersion": f"client.authentication.k8s.io/{version}",
        "command": "./plugin",
        "args": ["get-token"],
        "env": [{"name": "CLUSTER", "value": "prod"}],
    }
    config = written(tmp_path, with_user(fake.url, exec=given))
    done = live(tmp_path, "--kubeconfig", config)
    assert done.code == 1, done.err


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            f"echo Token {TOKEN} expired >&2; exit 255",
            "./plugin failed with exit 255: Token … expired",
        ),
        (f"echo {TOKEN}", "answered with no ExecCredential"),
        ("echo '{}'", "answered with no ExecCredential"),
        ("""echo '{"status": {}}'""", "answered with neither token nor certificate"),
    ],
)
def test_a_credential_plugin_that_fails(tmp_path: Path, script: str, said: str) -> None:
    plugin(tmp_path, script)
    given = {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin"}
    config = written(tmp_path, with_user("http://127.0.0.1:1", exec=given))
    assert said in refused(live(tmp_path, "--kubeconfig", config))
    given["command"] = "absent-plugin"
    config = written(tmp_path, with_user("http://127.0.0.1:1", exec=given))
    assert "absent-plugin: No such file" in refused(live(tmp_path, "--kubeconfig", config))


def test_several_kubeconfigs_are_one(tmp_path: Path, fake: Fake) -> None:
    whole = kubeconfig_for(fake.url)
    one = written(tmp_path, {key: whole[key] for key in ("contexts", "clusters")}, "one")
    other = written(tmp_path, {key: whole[key] for key in ("users", "current-context")}, "other")
    done = live(tmp_path, "--context", "prod", KUBECONFIG=f"{one}:{other}:{tmp_path}/absent")
    assert done.code == 1, done.err
    assert ids(done) == {"ml/a", "n1"}
    gone = live(tmp_path, "--context", "prod", KUBECONFIG=f"{tmp_path}/absent")
    assert "can't be read" in refused(gone)


def state_with(folder: Path, kubeconfig: Any) -> str:
    return export(
        folder,
        {"type": "pulumi:providers:kubernetes", "inputs": {"kubeconfig": kubeconfig}},
        name="own.json",
    )


def test_a_stacks_own_kubeconfig(tmp_path: Path, fake: Fake) -> None:
    whole = kubeconfig_for(fake.url)
    path = str(written(tmp_path, whole))
    for given in (yaml.safe_dump(whole), json.dumps(whole), path):
        state = state_with(tmp_path, given)
        done = zerofloor("live", state, "--stack-kubeconfig", "--format", "json", cwd=tmp_path)
        assert done.code == 1, done.err
        assert ids(done) == {"ml/a", "n1"}
        assert TOKEN not in done.out + done.err


def test_clusters_whose_contexts_have_one_name(tmp_path: Path, fake: Fake) -> None:
    with running_fake() as other:
        other.add(node("n9"))
        providers = [
            {
                "type": "pulumi:providers:kubernetes",
                "inputs": {"kubeconfig": json.dumps(kubeconfig_for(url))},
            }
            for url in (fake.url, other.url)
        ]
        state = export(tmp_path, *providers)
        done = zerofloor("live", state, "--stack-kubeconfig", "--format", "json", cwd=tmp_path)
    assert done.code == 1, done.err
    clusters = {one["id"]: one["cluster"] for one in json.loads(done.out)["found"]}
    assert clusters["n1"] == f"prod ({fake.url})"
    assert clusters["n9"] == f"prod ({other.url})"


def test_a_stacks_own_kubeconfig_that_is_of_no_use(tmp_path: Path) -> None:
    secret = {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "ciphertext": TOKEN,
    }
    runs = with_user(
        "http://127.0.0.1:1",
        exec={"apiVersion": "client.authentication.k8s.io/v1", "command": "curl evil"},
    )
    for given, said in (
        (secret, "its kubeconfig is secret: give --kubeconfig"),
        (yaml.safe_dump(runs), "a stack's kubeconfig may not run 'curl evil': give --kubeconfig"),
        ("apiVersion: [\n", "not YAML"),
        (TOKEN, "not a kubeconfig"),
        (None, "no stack has a Kubernetes provider"),
    ):
        state = state_with(tmp_path, given)
        done = zerofloor("live", state, "--stack-kubeconfig", cwd=tmp_path)
        assert done.code == 2
        assert said in done.err
        assert done.err.count("\n") == 1, done.err
        assert TOKEN not in done.out + done.err


@pytest.mark.parametrize("how", ["down", "text", "error", "denied", "clock"])
def test_a_prometheus_of_no_use_makes_use_unknown(tmp_path: Path, fake: Fake, how: str) -> None:
    fake.series["DCGM_FI_DEV_GPU_UTIL"] = [({"namespace": "ml", "pod": "a-0"}, [0])]
    url = fake.url
    said = "Prometheus http://"
    if how == "down":
        url = f"http://user:{TOKEN}@127.0.0.1:1"
        said = "Prometheus http://127.0.0.1:1: "
    elif how == "text":
        fake.answers.append(lambda m, path, q: (200, {}, b"<html>") if "query" in path else None)
        said = "200 OK: not an answer of Prometheus"
    elif how == "error":
        body = json.dumps({"status": "error", "error": "query timed out"}).encode()
        fake.answers.append(lambda m, path, q: (503, {}, body) if "query_range" in path else None)
        said = "query dcgm of http://"
    elif how == "denied":
        fake.answers.append(lambda m, path, q: (401, {}, b"") if "query" in path else None)
        said = "401 Unauthorized: set PROMETHEUS_TOKEN"
    else:
        fake.clock = 3 * 3600
        said = "this machine's clock is 180 minutes behind its own"
    done = live(tmp_path, "--kubeconfig", fake.kubeconfig(tmp_path), "--prometheus", url)
    assert done.code == 2
    assert said in done.err
    uses = {one["id"]: one["use"] for one in json.loads(done.out)["found"]}
    assert uses["ml/a"] == "unknown"


def test_queries_of_ones_own(tmp_path: Path, fake: Fake) -> None:
    fake.series["my_gateway"] = [({"namespace": "ml", "workload": "a"}, [5, 6])]
    fake.series["DCGM_FI_DEV_GPU_UTIL"] = [({"namespace": "ml", "pod": "a-0"}, [0])]
    own = {"gateway": {"counter": "sum by (namespace, workload) (my_gateway)"}, "dcgm": None}
    queries = written(tmp_path, own, "queries.yaml")
    where = ("--kubeconfig", fake.kubeconfig(tmp_path), "--prometheus", fake.url)
    done = live(tmp_path, *where, "--queries", queries)
    told = {one["id"]: one["why"] for one in json.loads(done.out)["found"]}
    assert "gateway: last used" in told["ml/a"]
    done = live(tmp_path, *where, "--queries", written(tmp_path, {"dcgm": None}, "none.yaml"))
    told = {one["id"]: one["why"] for one in json.loads(done.out)["found"]}
    assert "no GPU or request metric" in told["ml/a"]
