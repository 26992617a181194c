"""The bill of materials of an image, CycloneDX: sbom.py IMAGE.tar MAVEN.json NAME VERSION TIME OUT.json

What is listed is what lies in the image, not what a build file promises: each jar, by its content, with what Maven
knows of it; each Debian package that the base says it holds; the Java runtime. A jar that nobody knows is an error.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
import tarfile
import uuid
from email.parser import Parser
from pathlib import Path
from typing import Any

Component = dict[str, Any]

# Made by the build out of what the others hold, or out of our sources.
OURS = {"refork.jar", "quarkus-run.jar", "generated-bytecode.jar", "transformed-bytecode.jar"}
STATUS = "var/lib/dpkg/status.d/"


def files(archive: Path) -> dict[str, bytes]:
    """The content of those files of an OCI archive that tell what it holds."""
    found: dict[str, bytes] = {}
    with tarfile.open(archive) as image:

        def blob(digest: str) -> bytes:
            member = image.extractfile("blobs/" + digest.replace(":", "/"))
            assert member is not None
            return member.read()

        index = image.extractfile("index.json")
        assert index is not None
        manifest = json.loads(blob(json.load(index)["manifests"][0]["digest"]))
        for layer in manifest["layers"]:
            with tarfile.open(fileobj=io.BytesIO(blob(layer["digest"]))) as content:
                for member in content:
                    name = member.name.removeprefix("./")
                    if member.isfile() and (
                        name.endswith((".jar", "/runtime/release"))
                        or name.startswith(STATUS)
                        or name == "usr/lib/os-release"
                    ):
                        file = content.extractfile(member)
                        assert file is not None
                        found[name] = file.read()
    return found


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Known:
    """What Maven knows of the dependencies."""

    def __init__(self, bom: dict[str, Any]) -> None:
        self.dependencies: list[dict[str, Any]] = bom["dependencies"]
        self.by_hash: dict[str, Component] = {}
        self.by_file: dict[str, Component] = {}
        for component in bom["components"]:
            for entry in component.get("hashes", []):
                if entry["alg"] == "SHA-256":
                    self.by_hash[entry["content"]] = component
            file = f"{component['name']}-{component['version']}"
            # As Maven names a jar, and as Quarkus does.
            self.by_file[file + ".jar"] = component
            self.by_file[f"{component.get('group', '')}.{file}.jar"] = component

    def jar(self, path: str, content: bytes, version: str) -> Component:
        file = path.rpartition("/")[2]
        if file in OURS:
            return {
                "type": "library",
                "bom-ref": f"pkg:generic/refork/{file}@{version}",
                "group": "io.refork",
                "name": file.removesuffix(".jar"),
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
                "purl": f"pkg:generic/refork/{file}@{version}",
            }
        known = self.by_hash.get(sha256(content))
        if known:
            return dict(known)
        known = self.by_file.get(file)
        if not known:
            raise SystemExit(
                f"sbom: Maven knows nothing of {path}; does the image hold what this tree builds?"
            )
        return {
            **known,
            "pedigree": {"notes": "Repacked by the build: not byte for byte what was published."},
        }


def jars(found: dict[str, bytes], known: Known, version: str) -> list[Component]:
    components: dict[str, Component] = {}
    for path, content in sorted(found.items()):
        if path.endswith(".jar") and "/runtime/" not in path:
            component = known.jar(path, content, version)
            component["hashes"] = [{"alg": "SHA-256", "content": sha256(content)}]
            component["evidence"] = {"occurrences": [{"location": "/" + path}]}
            same = components.setdefault(component["bom-ref"], component)
            if same is not component:
                same["evidence"]["occurrences"] += component["evidence"]["occurrences"]
    return list(components.values())


def debian(found: dict[str, bytes]) -> list[Component]:
    if not (release := found.get("usr/lib/os-release")):
        return []
    system = dict(line.split("=", 1) for line in release.decode().splitlines() if "=" in line)
    number = system["VERSION_ID"].strip('"')
    components: list[Component] = []
    for path, content in sorted(found.items()):
        if path.startswith(STATUS):
            package = Parser().parsestr(content.decode())
            name, version, architecture = (package[key] for key in ("Package", "Version", "Architecture"))
            purl = f"pkg:deb/debian/{name}@{version.replace('+', '%2B')}?arch={architecture}&distro=debian-{number}"
            components.append(
                {
                    "type": "library",
                    "bom-ref": purl,
                    "name": name,
                    "version": version,
                    "supplier": {"name": "Debian"},
                    "purl": purl,
                    "evidence": {"occurrences": [{"location": "/" + path}]},
                }
            )
    return [
        {"type": "operating-system", "bom-ref": f"debian-{number}", "name": "debian", "version": number},
        *components,
    ]


def runtimes(found: dict[str, bytes]) -> list[Component]:
    components: list[Component] = []
    for path, content in sorted(found.items()):
        if path.endswith("/runtime/release"):
            version = re.search(r'^JAVA_VERSION="(.*)"$', content.decode(), re.MULTILINE)
            assert version is not None
            modules = re.search(r'^MODULES="(.*)"$', content.decode(), re.MULTILINE)
            components.append(
                {
                    "type": "platform",
                    "bom-ref": f"openjdk@{version[1]}",
                    "name": "openjdk",
                    "version": version[1],
                    "description": "A Java runtime of the modules " + (modules[1] if modules else ""),
                    "cpe": f"cpe:2.3:a:oracle:openjdk:{version[1]}:*:*:*:*:*:*:*",
                    "licenses": [{"expression": "GPL-2.0-only WITH Classpath-exception-2.0"}],
                    "evidence": {
                        "occurrences": [
                            {"location": "/" + file}
                            for file in sorted(found)
                            if file.startswith(path[: -len("release")])
                        ]
                    },
                }
            )
    return components


def main(archive: Path, maven: Path, name: str, version: str, time: str, out: Path) -> None:
    found = files(archive)
    known = Known(json.loads(maven.read_text()))
    components = [*runtimes(found), *jars(found, known, version), *debian(found)]
    present = {component["bom-ref"] for component in components}
    image = f"pkg:oci/{name}@{version}"
    graph = [
        {"ref": entry["ref"], "dependsOn": [ref for ref in entry.get("dependsOn", []) if ref in present]}
        for entry in known.dependencies
        if entry["ref"] in present
    ]
    bom: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": time,
            "component": {
                "type": "container",
                "bom-ref": image,
                "name": name,
                "version": version,
                "purl": image,
            },
        },
        "components": components,
        "dependencies": [{"ref": image, "dependsOn": sorted(present)}, *graph],
    }
    # The same content has the same number.
    bom["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(bom, sort_keys=True))}"
    out.write_text(json.dumps(bom, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(Path(given[0]), Path(given[1]), given[2], given[3], given[4], Path(given[5]))
