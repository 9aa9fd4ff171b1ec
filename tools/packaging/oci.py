"""Makes an OCI image of one layer out of a folder: an archive of an OCI image layout, which `docker load` takes, too.
The same folder and options give the same bytes: names in order, one owner, one time."""
import argparse
import datetime
import gzip
import hashlib
import io
import json
import pathlib
import tarfile

MEDIA = "application/vnd.oci.image."


def entry(name, epoch, mode, kind=tarfile.REGTYPE):
    info = tarfile.TarInfo(name)
    info.mtime, info.mode, info.type = epoch, mode, kind
    return info


def layer_of(root, epoch):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(root.rglob("*")):
            name, mode = str(path.relative_to(root)), path.stat().st_mode & 0o7777
            if path.is_dir():
                tar.addfile(entry(name, epoch, mode, tarfile.DIRTYPE))
            else:
                info = entry(name, epoch, mode)
                info.size = path.stat().st_size
                with path.open("rb") as file:
                    tar.addfile(info, file)
    return made.getvalue()


class Layout:
    """What goes into the archive, by name."""

    def __init__(self):
        self.files = {}

    def add_blob(self, data, kind):
        digest = hashlib.sha256(data).hexdigest()
        self.files[f"blobs/sha256/{digest}"] = data
        return {"mediaType": MEDIA + kind, "digest": f"sha256:{digest}", "size": len(data)}

    def add_json(self, value, kind):
        return self.add_blob(json.dumps(value, sort_keys=True).encode(), kind)

    def write(self, file, epoch):
        with tarfile.open(file, "w", format=tarfile.USTAR_FORMAT) as tar:
            for folder in ("blobs", "blobs/sha256"):
                tar.addfile(entry(folder, epoch, 0o755, tarfile.DIRTYPE))
            for name, data in sorted(self.files.items()):
                info = entry(name, epoch, 0o644)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--revision", required=True)
    parser.add_argument("--architecture", required=True)
    parser.add_argument("--epoch", type=int, required=True)
    parser.add_argument("--image", type=pathlib.Path, required=True)
    options = parser.parse_args()
    created = datetime.datetime.fromtimestamp(options.epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    labels = {
        "org.opencontainers.image.title": "memspike",
        "org.opencontainers.image.description": "What a container's memory did between two scrapes, and why it was killed",
        "org.opencontainers.image.licenses": "MIT AND GPL-2.0-only",
        "org.opencontainers.image.version": options.version,
        "org.opencontainers.image.revision": options.revision,
        "org.opencontainers.image.created": created,
    }
    layout, tag = Layout(), options.version.replace("~", "-").replace("+", "-")
    plain = layer_of(options.root, options.epoch)
    layer = layout.add_blob(gzip.compress(plain, 9, mtime=0), "layer.v1.tar+gzip")
    config = layout.add_json({
        "created": created, "architecture": options.architecture, "os": "linux",
        # C.UTF-8 is within the C library: charts are drawn, whoever looks.
        "config": {"Entrypoint": ["/usr/bin/memspike"], "Cmd": ["serve"], "User": "0:0", "WorkingDir": "/",
                   "Env": ["PATH=/usr/bin", "LANG=C.UTF-8"], "Labels": labels, "StopSignal": "SIGTERM"},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(plain).hexdigest()]},
        "history": [{"created": created, "created_by": "tools/package image"}],
    }, "config.v1+json")
    manifest = layout.add_json({"schemaVersion": 2, "mediaType": MEDIA + "manifest.v1+json", "config": config,
                                "layers": [layer], "annotations": labels}, "manifest.v1+json")
    manifest["platform"] = {"architecture": options.architecture, "os": "linux"}
    # ctr and podman name the image by the first, skopeo and umoci by the second.
    manifest["annotations"] = {"io.containerd.image.name": f"localhost/memspike:{tag}",
                               "org.opencontainers.image.ref.name": tag}
    layout.files["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
    layout.files["index.json"] = json.dumps({"schemaVersion": 2, "mediaType": MEDIA + "index.v1+json",
                                             "manifests": [manifest]}, sort_keys=True).encode()
    blob = "blobs/sha256/{}".format
    layout.files["manifest.json"] = json.dumps([{  # docker load
        "Config": blob(config["digest"].split(":")[1]), "RepoTags": [f"memspike:{tag}"],
        "Layers": [blob(layer["digest"].split(":")[1])]}]).encode()
    layout.write(options.image, options.epoch)


main()
