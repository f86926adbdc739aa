"""Golden vectors of White-Box, read with Python's standard library alone: a CI job that needs neither Rust nor the program. Copy this file and a pinned copy
of the folder `tests/vectors` beside your tests.

    import numpy as np, pytest, white_box_vectors as vectors
    from mine import coding_rate

    def rate(z, eps=None, eps2=None):
        return {"value": coding_rate(z, eps if eps is not None else eps2**0.5)}

    @pytest.mark.parametrize("case", vectors.cases("tests/vectors", "coding_rate"), ids=str)
    def test_coding_rate(case):
        case.check(rate, dtype="f32", convert=lambda x: np.asarray(x, np.float32))

A case knows what it catches (`case.flags`, `case.notes`), its parameters, and the absolute error that f64, f32, f16 and bf16 may make in each
element. `python white_box_vectors.py tests/vectors` verifies the hashes of a copy and lists it.

Public domain (CC0 1.0).
"""

import hashlib
import json
import keyword
import math
import os
import struct
import sys

DTYPES = ["f64", "f32", "f16", "bf16"]
_FORMATS = {"F64": ("d", 8), "F32": ("f", 4), "I64": ("q", 8)}


class Tensor:
    """Axes and elements, the last axis fastest."""

    def __init__(self, shape, data):
        self.shape, self.data = list(shape), list(data)

    def nested(self):
        """Nested lists; a number for no axes."""
        data = self.data
        for size in reversed(self.shape[1:]):
            data = [data[i : i + size] for i in range(0, len(data), size)] if size else [[] for _ in range(math.prod(self.shape[:-1]))]
        return data if self.shape else data[0]


def load(path):
    """The tensors of a .safetensors file by name."""
    with open(path, "rb") as f:
        raw = f.read()
    (size,) = struct.unpack_from("<Q", raw)
    header, data, out = json.loads(raw[8 : 8 + size]), raw[8 + size :], {}
    for name, entry in header.items():
        if name != "__metadata__":
            code, width = _FORMATS[entry["dtype"]]
            begin, end = entry["data_offsets"]
            out[name] = Tensor(entry["shape"], struct.unpack("<%d%s" % ((end - begin) // width, code), data[begin:end]))
    return out


class Case:
    """One case. `result` is `valid` or `invalid`; `error` says for what reason an invalid one must be refused."""

    def __init__(self, folder, manifest, test):
        self.operator, self.id, self.comment = manifest["operator"], test["id"], test["comment"]
        self.preset, self.flags, self.result = test["preset"], test["flags"], test["result"]
        self.error, self.chain, self.proven = test.get("error"), test.get("chain"), test.get("proven", {})
        self.notes = {flag: manifest["notes"][flag]["description"] for flag in self.flags}
        self.params = dict(manifest["defaults"], **test["params"])
        self.path = os.path.join(folder, test["file"])
        self._tensors = None

    def __str__(self):
        return "%s-%03d" % (self.operator, self.id)

    def group(self, name):
        """The tensors `in`, `cot`, `out`, `out_f32`, `grad`, `grad_f32`, `allowed/out`, `allowed/grad`, `out@5` … by their last name."""
        if self._tensors is None:
            self._tensors = load(self.path)
        return {k[len(name) + 1 :]: v for k, v in self._tensors.items() if k.startswith(name + "/") and "/" not in k[len(name) + 1 :]}

    def arguments(self, convert=None):
        """Inputs and parameters by name, as `check` passes them: arrays through `convert`, label arrays as nested lists of int, `lambda` as `lambda_`."""
        out = {}
        for name, t in self.group("in").items():
            whole = bool(t.data) and all(isinstance(x, int) for x in t.data)
            out[name] = t.nested() if whole or convert is None else convert(t.nested())
        out.update(self.params)
        if self.preset != "paper":
            out["preset"] = self.preset
        return {k + "_" if keyword.iskeyword(k) else k: v for k, v in out.items()}

    def check(self, function, dtype="f64", convert=None, vjp=None):
        """Runs `function(**inputs, **params)`, which returns outputs by name, and compares; with `vjp(cotangents, **inputs, **params)` the gradients too.
        Raises `AssertionError` in the words of NumPy."""
        arguments = self.arguments(convert)
        if self.result == "invalid":
            return self._must_refuse(function, arguments)
        if self.chain:
            return self._check_chain(function, dtype, arguments)
        self.compare("out", function(**arguments), dtype)
        if vjp is not None and self.group("grad"):
            cotangents = {k: t.nested() if convert is None else convert(t.nested()) for k, t in self.group("cot").items()}
            self.compare("grad", vjp(cotangents, **arguments), dtype)

    def _must_refuse(self, function, arguments):
        try:
            found = function(**arguments)
        except Exception:
            return
        if all(math.isfinite(x) for value in found.values() for x in flat(value)[1]):
            raise AssertionError("%s (%s): an error or a NaN was due, found %r" % (self, self.comment, found))

    def _check_chain(self, function, dtype, arguments):
        last, source, target = max(self.chain["checkpoints"]), self.chain["from"], self.chain["into"]
        for step in range(1, last + 1):
            found = function(**arguments)
            if step in self.chain["checkpoints"]:
                self.compare("out@%d" % step, {source: found[source]}, dtype)
            arguments[target] = found[source]

    def compare(self, group, found, dtype):
        """Named results against `out`, `grad` or `out@k`; any non-empty part of the names."""
        truth, allowed = self.group(group), self.group("allowed/" + group)
        what = "%s (%s; catches %s)" % (self, self.comment, ", ".join(self.flags))
        if not found or any(name not in truth for name in found):
            raise AssertionError("%s: expected names among %s, found %s" % (what, ", ".join(truth), ", ".join(found) or "none"))
        for name, value in found.items():
            shape, mine = flat(value)
            t = truth[name]
            if shape != t.shape:
                raise AssertionError("%s, %s/%s\n(shapes %r, %r mismatch)" % (what, group, name, tuple(shape), tuple(t.shape)))
            bounds = [0.0] * len(mine)
            if name in allowed:
                first = DTYPES.index(dtype) * len(mine)
                bounds = allowed[name].data[first : first + len(mine)]
            errors = [abs(x - y) for x, y in zip(mine, t.data)]
            wrong = [k for k, (e, b) in enumerate(zip(errors, bounds)) if not e <= b]
            if wrong:
                k = max(wrong, key=lambda k: errors[k] / bounds[k] if bounds[k] and errors[k] == errors[k] else math.inf)
                relative = max(errors[k] / abs(t.data[k]) if t.data[k] else math.inf for k in wrong)
                raise AssertionError(
                    "%s, %s/%s: Not equal to tolerance\n\nMismatched elements: %d / %d (%.3g%%)\nMismatch at index:\n %r: %r (ACTUAL), %r (DESIRED)\n"
                    "Max absolute difference among violations: %r\nMax relative difference among violations: %r\nallowed there for %s: %.3g\n%s"
                    % (what, group, name, len(wrong), len(mine), 100 * len(wrong) / len(mine), _index(t.shape, k), mine[k], t.data[k],
                       max(errors[k] for k in wrong), relative, dtype, bounds[k], self.path)
                )


def _index(shape, k):
    index = []
    for size in reversed(shape):
        index.insert(0, k % size)
        k //= size
    return index


def flat(x):
    """Shape and elements of nested lists, NumPy, PyTorch or JAX arrays."""
    if hasattr(x, "detach"):
        x = x.detach()
    if hasattr(x, "tolist"):
        x = x.tolist()
    if not isinstance(x, (list, tuple)):
        return [], [float(x)]
    parts = [flat(v) for v in x]
    if any(shape != parts[0][0] for shape, _ in parts):
        raise ValueError("ragged: the places along an axis have different shapes")
    return [len(parts)] + (parts[0][0] if parts else []), [v for _, data in parts for v in data]


def operators(root):
    """The operators of a set."""
    return sorted(name for name in os.listdir(root) if os.path.isfile(os.path.join(root, name, "manifest.json")))


def cases(root, operator, presets=("paper",), results=("valid",), without=("LeadingAxis", "SmallScale")):
    """The cases of an operator: of these presets, valid or invalid or both, without those that carry one of the flags `without`.

    `without=()` takes them all: also extra leading axes, and inputs so small that a formula which adds 1 to them first is right and yet loses digits.

    Invalid cases flagged `Interface` ask for names that do not exist: they concern programs that take names as text."""
    folder = os.path.join(root, operator)
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as f:
        manifest = json.load(f)
    if manifest["schema"] != "white-box-vectors/1":
        raise ValueError("%s: written for another reader: %s" % (folder, manifest["schema"]))
    all_cases = (Case(folder, manifest, test) for test in manifest["tests"])
    return [c for c in all_cases if c.preset in presets and c.result in results and not set(c.flags) & set(without)]


def run(function, root, operator, dtype="f64", convert=None, vjp=None, **which):
    """Checks every case and returns the failures, as a list of messages: empty if all is well."""
    failures = []
    for case in cases(root, operator, **which):
        try:
            case.check(function, dtype, convert, vjp)
        except AssertionError as e:
            failures.append(str(e))
        except Exception as e:
            failures.append("%s (%s): %s: %s" % (case, case.comment, type(e).__name__, e))
    return failures


def verify(root):
    """The files whose SHA-256 is not what `SHA256SUMS` says: empty if the copy is good."""
    bad = []
    with open(os.path.join(root, "SHA256SUMS"), encoding="utf-8") as f:
        for line in f:
            digest, path = line.rstrip("\n").split("  ", 1)
            try:
                with open(os.path.join(root, *path.split("/")), "rb") as g:
                    good = hashlib.sha256(g.read()).hexdigest() == digest
            except OSError:
                good = False
            if not good:
                bad.append(path)
    return bad


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python white_box_vectors.py SET")
    damaged = verify(sys.argv[1])
    for path in damaged:
        print("damaged or missing: " + path)
    for op in operators(sys.argv[1]):
        valid, refused = cases(sys.argv[1], op, results=("valid",)), cases(sys.argv[1], op, results=("invalid",))
        print("%-28s %3d cases of the paper's form, %3d to refuse" % (op, len(valid), len(refused)))
    sys.exit(1 if damaged else 0)
