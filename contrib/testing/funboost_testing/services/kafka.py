"""Apache Kafka: one node (KRaft), from Maven Central."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import tempfile
from pathlib import Path

from .base import ANSWER, Service, Unavailable, free_port

RELEASE = "4.3.1"
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>funboost</groupId><artifactId>kafka</artifactId><version>1</version>
<dependencies><dependency>
<groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{RELEASE}</version>
</dependency></dependencies></project>
"""
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
log.dirs={folder}
num.network.threads=2
num.io.threads=2
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
auto.create.topics.enable=false
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=2000
"""
_JAVA = ["-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]


def jars() -> Path:
    """Where the server's files are kept: downloaded once for all checkouts."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    return Path(cache) / "funboost-testing" / f"kafka-{RELEASE}"


class Kafka(Service):
    """Apache Kafka; 44 MB, ten seconds to download and five to start."""

    name = "kafka"
    variable = "FUNBOOST_TEST_KAFKA_BOOTSTRAP_SERVERS"
    executables = ("java",)
    package = "default-jre-headless"

    def executable(self) -> str:
        """The Java that runs it; "" before it has been downloaded."""
        return super().executable() if jars().is_dir() else ""

    def packages(self) -> list[str]:
        """Java, and what fetches the rest."""
        return [*([] if super().executable() else [self.package]), *([] if shutil.which("mvn") else ["maven"])]

    def missing(self) -> str:
        """Why it cannot be used."""
        if self.given() or self.executable():
            return ""
        what = f"Apache Kafka is not in {jars()}" if super().executable() else "java is not installed"
        return f"kafka: {self.variable} is not set and {what}. Run: python -m funboost_testing services install kafka"

    def download(self) -> None:
        """From Maven Central, or what ~/.m2/settings.xml puts in its place."""
        maven, target = shutil.which("mvn"), jars()
        if maven is None:
            raise Unavailable("kafka: there is no mvn to download it with; install maven.")
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "pom.xml").write_text(_POM)
            found = Path(folder) / "jars"
            goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={found}"]
            subprocess.run([maven, "-q", "-B", *goal], cwd=folder, check=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(str(found), str(target))

    def command(self, executable: str, port: int, folder: Path) -> list[str]:
        """The server; its folder is made ready before the first start."""
        properties, data = folder / "server.properties", folder / "data"
        java = [executable, *_JAVA, "-cp", str(jars() / "*")]
        if not properties.exists():
            text = _PROPERTIES.format(port=port, controller=free_port(), folder=data.as_posix())
            properties.write_text(text)
            format_it = ["kafka.tools.StorageTool", "format", "-t", "ZnVuYm9vc3QtdGVzdHMtMQ", "-c", str(properties)]
            subprocess.run([*java, *format_it], check=True, capture_output=True)
        return [*java, "kafka.Kafka", str(properties)]

    def url(self, port: int) -> str:
        """As the setting KAFKA_BOOTSTRAP_SERVERS has it."""
        return f"127.0.0.1:{port}"

    def version(self, url: str) -> str:
        """Asks which requests are understood (ApiVersions), for there is none for the version."""
        host, _, port = url.partition(",")[0].rpartition(":")
        request = struct.pack(">hhih", 18, 0, 1, -1)
        with socket.create_connection((host, int(port)), ANSWER) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            answer = connection.recv(4096)
        if len(answer) < 14 or struct.unpack(">ih", answer[4:10]) != (1, 0):
            raise ConnectionError(f"no Kafka answers at {url}: {answer[:80]!r}")
        return "kafka" if url == self.given() else f"Apache Kafka {RELEASE}"
