"""Prints an SPDX 2.3 document of a memspike and of all that was linked into it (linked.py)."""
import argparse
import datetime
import hashlib
import json
import pathlib
import re

RELATIONS = {"archive": ("SPDXRef-memspike", "STATIC_LINK"), "headers": ("SPDXRef-memspike", "CONTAINS"),
             "npm": ("SPDXRef-memspike", "CONTAINS"), "tool": (None, "BUILD_TOOL_OF")}


def spdx_id(part):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", f"{part['how']}-{part['name']}")


def url_of(part):
    if part["how"] == "npm":
        return f"pkg:npm/{part['name']}@{part['version']}"
    version = part["version"].replace("+", "%2B").replace(":", "%3A")
    return f"pkg:deb/debian/{part['name']}@{version}?arch={part['architecture']}"


def package_of(part):
    comment = f"Debian says: {part['licence_by_debian']}" if part.get("licence_by_debian") else \
        f"integrity {part['integrity']}" if "integrity" in part else "see the package's copyright file"
    package = {
        "name": part["name"], "SPDXID": spdx_id(part), "versionInfo": part["version"],
        "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "copyrightText": "NOASSERTION",
        "licenseConcluded": "NOASSERTION", "licenseDeclared": part["licence"], "licenseComments": comment,
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                          "referenceLocator": url_of(part)}],
    }
    if part.get("homepage"):
        package["homepage"] = part["homepage"]
    if part.get("maintainer"):
        package["supplier"] = f"Organization: {part['maintainer']}"
        package["sourceInfo"] = f"built from {part['source']} {part['source_version']}"
    return package


def relation_of(part):
    whole, kind = RELATIONS[part["how"]]
    if whole is None:
        return {"spdxElementId": spdx_id(part), "relationshipType": kind, "relatedSpdxElement": "SPDXRef-memspike"}
    return {"spdxElementId": whole, "relationshipType": kind, "relatedSpdxElement": spdx_id(part)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", required=True)
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--parts", type=pathlib.Path, required=True)
    parser.add_argument("--epoch", type=int, required=True)
    options = parser.parse_args()
    parts = json.loads(options.parts.read_text())
    digest = hashlib.sha256(options.binary.read_bytes()).hexdigest()
    created = datetime.datetime.fromtimestamp(options.epoch, datetime.timezone.utc)
    memspike = {
        "name": "memspike", "SPDXID": "SPDXRef-memspike", "versionInfo": options.version,
        "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "primaryPackagePurpose": "APPLICATION",
        "licenseConcluded": "NOASSERTION", "licenseDeclared": "MIT AND GPL-2.0-only",
        "licenseComments": "The programs that run in the kernel are GPL-2.0-only, and are in memspike as data.",
        "copyrightText": "Copyright (c) 2026 the memspike authors",
        "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
    }
    print(json.dumps({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"memspike-{options.version}", "documentNamespace": f"urn:memspike:spdx:{options.version}:{digest}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": ["Tool: memspike-tools-package", "Organization: the memspike authors"]},
        "packages": [memspike] + [package_of(part) for part in parts],
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                           "relatedSpdxElement": "SPDXRef-memspike"}] + [relation_of(part) for part in parts],
    }, indent=1))


main()
