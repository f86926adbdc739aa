"""White-Box from Python, in one file: copy it beside your tests. Python 3.8, standard library only; NumPy, PyTorch and JAX arrays are accepted where they are
installed, and none of them is needed.

Ask the oracle (pytest):

    import numpy as np, white_box
    oracle = white_box.Oracle()                                   # starts `white-box serve`

    def test_rate():
        z = np.random.default_rng(0).standard_normal((64, 32))
        oracle.assert_close("coding_rate", {"z": z}, {"value": my_rate(z, eps=0.5)}, eps=0.5)             # f64
        oracle.assert_close("coding_rate", {"z": z}, {"z": my_gradient(z, eps=0.5)}, vjp={"value": 1.0}, eps=0.5)

The error that is allowed follows from the conditioning of the case and the arithmetic you claim (`dtype="f32"`, `"bf16"` …); the truth is an enclosure.

Let Hypothesis look for the smallest case that breaks (one process answers all examples, so no deadline is needed for its start):

    from hypothesis import given, settings, strategies as st
    from hypothesis.extra.numpy import arrays

    @settings(deadline=None, derandomize=True)
    @given(arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.floats(-4, 4, width=16)))
    def test_rate_everywhere(z):
        oracle.assert_close("coding_rate", {"z": z}, {"value": my_rate(z, eps=0.5)}, eps=0.5)

Be asked (`white-box conform --candidate "python candidate.py"`): ten lines make a PyTorch function a candidate.

    import torch, white_box
    from mine import coding_rate                                  # coding_rate(z, eps) -> tensor

    def rate(z, eps=None, eps2=None):
        return {"value": coding_rate(z, eps if eps is not None else eps2**0.5)}

    white_box.serve({"coding_rate": white_box.torch(rate, "f32")}, dtype="f32")

`white_box.jax(rate, "f32")` does the same for a JAX function; a plain function on nested lists needs no wrapper.

Public domain (CC0 1.0).
"""

import atexit
import json
import keyword
import math
import queue
import shlex
import subprocess
import sys
import threading
import traceback


class Refused(Exception):
    """The oracle's answer to a case it does not accept: `kind` and `name` as in the protocol."""

    def __init__(self, error):
        super().__init__(error.get("message", "refused"))
        self.kind, self.name = error.get("kind"), error.get("name")


class Oracle:
    """`white-box serve` as a child process, one request at a time."""

    def __init__(self, command="white-box serve", timeout=120.0):
        words = shlex.split(command) if isinstance(command, str) else list(command)
        self.timeout, self._count, self._lock = timeout, 0, threading.Lock()
        self._child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        atexit.register(self.close)

    def _read(self):
        for line in self._child.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def close(self):
        """Ends the child."""
        if self._child.poll() is None:
            self._child.stdin.close()
            self._child.wait()
        self._child.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask(self, **request):
        """One request as it stands, one reply. Raises `Refused` for an error of the oracle, `RuntimeError` if it is gone."""
        with self._lock:
            self._count += 1
            request["id"] = self._count
            self._child.stdin.write(json.dumps(request, allow_nan=False).encode() + b"\n")
            self._child.stdin.flush()
            try:
                line = self._lines.get(timeout=self.timeout)
            except queue.Empty:
                self._child.kill()
                raise RuntimeError("white-box did not answer within %g s" % self.timeout) from None
        if line is None:
            raise RuntimeError("white-box ended with code %s" % self._child.wait())
        reply = json.loads(line)
        if not reply["ok"]:
            raise Refused(reply["error"])
        return reply

    def hello(self):
        """What the oracle can do: `ops`, `presets`, `scalars`, `version`."""
        return self.ask(hello=1)

    def _case(self, op, inputs, preset, params):
        case = {"op": op, "inputs": {k: to_json(v) for k, v in inputs.items()}, "params": {_plain(k): v for k, v in params.items()}}
        return dict(case, preset=preset) if preset else case

    def eval(self, op, inputs, preset=None, scalar="f64", **params):
        """Outputs by name, as nested lists. `lambda_` stands for a parameter named `lambda`."""
        return self.ask(scalar=scalar, **self._case(op, inputs, preset, params))["outputs"]

    def vjp(self, op, inputs, cotangents, preset=None, scalar="f64", **params):
        """Gradients by input name."""
        cotangents = {k: to_json(v) for k, v in cotangents.items()}
        return self.ask(scalar=scalar, vjp=cotangents, **self._case(op, inputs, preset, params))["gradients"]

    def enclose(self, op, inputs, vjp=None, preset=None, dtype="f64", **params):
        """`(middle, radius, allowed)`, each by name as nested lists: the truth lies within the radius of the middle, and a right implementation
        in `dtype` within `allowed` of the truth."""
        request = self._case(op, inputs, preset, params)
        if vjp is not None:
            request["vjp"] = {k: to_json(v) for k, v in vjp.items()}
        reply = self.ask(scalar="ball", allowed=dtype, **request)
        return reply["outputs" if vjp is None else "gradients"], reply["radius"], reply["allowed"]

    def assert_close(self, op, inputs, found, vjp=None, preset=None, dtype="f64", **params):
        """Holds outputs (or, with the cotangents `vjp`, gradients) against the truth. Raises `AssertionError` in the words of NumPy."""
        middle, radius, allowed = self.enclose(op, inputs, vjp, preset, dtype, **params)
        if not found:
            raise AssertionError("%s: nothing to compare; the names are %s" % (op, ", ".join(middle)))
        for name, value in found.items():
            if name not in middle:
                raise AssertionError("%s: no result named %r; the names are %s" % (op, name, ", ".join(middle)))
            compare("%s %s" % (op, name), to_json(value), middle[name], allowed[name], radius.get(name))


def compare(what, found, truth, allowed, radius=None):
    """Nested lists, element by element: |found - truth| <= allowed + radius. Raises `AssertionError`."""
    (shape, mine), (wanted, known) = flat(found), flat(truth)
    if shape != wanted:
        raise AssertionError("%s: Not equal\n(shapes %r, %r mismatch)" % (what, tuple(shape), tuple(wanted)))
    bounds = flat(allowed)[1] if allowed is not None else [0.0] * len(known)
    radii = flat(radius)[1] if radius is not None else [0.0] * len(known)
    wrong, worst = [], (0.0, 0)
    for k, (x, y, bound, r) in enumerate(zip(mine, known, bounds, radii)):
        limit, error = bound + r, abs(x - y)
        if not error <= limit:
            wrong.append((k, error))
            share = error / limit if limit > 0 and error == error else math.inf
            worst = max(worst, (share, -k))
    if not wrong:
        return
    k = -worst[1]
    relative = max((e / abs(known[i]) if known[i] else math.inf) for i, e in wrong)
    raise AssertionError(
        "%s: Not equal to tolerance\n\nMismatched elements: %d / %d (%.3g%%)\nMismatch at index:\n %r: %r (ACTUAL), %r (DESIRED)\n"
        "Max absolute difference among violations: %r\nMax relative difference among violations: %r\nallowed there: %.3g, %.3g times exceeded"
        % (what, len(wrong), len(known), 100 * len(wrong) / len(known), _index(shape, k), mine[k], known[k], max(e for _, e in wrong), relative, bounds[k] + radii[k], worst[0])
    )


def _index(shape, k):
    index = []
    for size in reversed(shape):
        index.insert(0, k % size)
        k //= size
    return index


def to_json(x):
    """Nested lists of Python numbers from lists, NumPy, PyTorch and JAX arrays. Real numbers stay real: 1.0, not 1."""
    if hasattr(x, "detach"):
        x = x.detach()
    if hasattr(x, "tolist"):
        x = x.tolist()
    if isinstance(x, (list, tuple)):
        return [to_json(v) for v in x]
    if isinstance(x, bool) or x is None:
        raise TypeError("expected numbers or nested lists of numbers, found %r" % (x,))
    if isinstance(x, float) and not math.isfinite(x):
        return "NaN" if x != x else "Infinity" if x > 0 else "-Infinity"
    return x


def flat(x):
    """Shape and elements of nested lists; ragged ones raise `ValueError`."""
    if not isinstance(x, (list, tuple)):
        return [], [float(x)]
    parts = [flat(v) for v in x]
    if any(shape != parts[0][0] for shape, _ in parts):
        raise ValueError("ragged: the places along an axis have different shapes")
    return [len(parts)] + (parts[0][0] if parts else []), [v for _, data in parts for v in data]


def _plain(name):
    return name[:-1] if name.endswith("_") and keyword.iskeyword(name[:-1]) else name


def _python(name):
    return name + "_" if keyword.iskeyword(name) else name


class Function:
    """A candidate: `eval(**inputs, **params)` returns a dict of outputs; `vjp(cotangents, **inputs, **params)` a dict of gradients, if there is one."""

    def __init__(self, eval, vjp=None):
        self.eval, self.vjp = eval, vjp


def torch(function, dtype="f64", device="cpu"):
    """A PyTorch function of tensors as a candidate; its gradients are autograd's."""
    import torch as t

    kind = {"f64": t.float64, "f32": t.float32, "tf32": t.float32, "f16": t.float16, "bf16": t.bfloat16}[dtype]

    def tensors(arguments, grad):
        out = {}
        for name, x in arguments.items():
            if isinstance(x, list):
                whole = _whole(x)
                x = t.tensor(x, dtype=t.long if whole else kind, device=device, requires_grad=grad and not whole)
            out[name] = x
        return out

    def evaluate(**arguments):
        with t.no_grad():
            return function(**tensors(arguments, False))

    def vjp(cotangents, **arguments):
        inputs = tensors(arguments, True)
        outputs = function(**inputs)
        wanted = {k: v for k, v in inputs.items() if isinstance(v, t.Tensor) and v.requires_grad}
        total = sum((outputs[k] * t.tensor(c, dtype=outputs[k].dtype, device=device)).sum() for k, c in cotangents.items() if k in outputs)
        grads = t.autograd.grad(total, list(wanted.values()), allow_unused=True)
        return {k: t.zeros_like(v) if g is None else g for (k, v), g in zip(wanted.items(), grads)}

    return Function(evaluate, vjp)


def jax(function, dtype="f64"):
    """A JAX function of arrays as a candidate; its gradients are `jax.vjp`'s. f64 switches `jax_enable_x64` on."""
    import jax as j
    import jax.numpy as jnp

    if dtype == "f64":
        j.config.update("jax_enable_x64", True)
    kind = {"f64": jnp.float64, "f32": jnp.float32, "f16": jnp.float16, "bf16": jnp.bfloat16}[dtype]

    def split(arguments):
        arrays, rest = {}, {}
        for name, x in arguments.items():
            if not isinstance(x, list):
                rest[name] = x
            elif _whole(x):
                rest[name] = jnp.asarray(x)
            else:
                arrays[name] = jnp.asarray(x, kind)
        return arrays, rest

    def evaluate(**arguments):
        arrays, rest = split(arguments)
        return function(**arrays, **rest)

    def vjp(cotangents, **arguments):
        arrays, rest = split(arguments)
        outputs, pull = j.vjp(lambda a: function(**a, **rest), arrays)
        given = {k: jnp.asarray(cotangents[k], v.dtype) if k in cotangents else jnp.zeros_like(v) for k, v in outputs.items()}
        return pull(given)[0]

    return Function(evaluate, vjp)


def _whole(x):
    """Are these the nested lists of a label input? Reals are written with a point."""
    return all(_whole(v) if isinstance(v, list) else isinstance(v, int) for v in x) and bool(x)


def serve(functions, dtype="f64", name="candidate", presets=None, lines=None, out=None):
    """Answers `white-box conform`: a dict of operator name to function (or `Function`), until stdin ends.

    A function is called with the inputs (nested lists; label inputs are lists of int) and parameters of the case by name, `lambda_` for `lambda`, and with
    `preset=` for the forms listed in `presets` (`{"coding_rate": ["mcr2-repo"]}`). It returns a dict of outputs by name. `NotImplementedError` declines a case; any
    other exception is reported as the candidate's error, its traceback on stderr.
    """
    functions = {k: f if isinstance(f, Function) else Function(f) for k, f in functions.items()}
    presets = presets or {}
    out = out or sys.stdout
    for line in lines or sys.stdin:
        if not line.strip():
            continue
        request = json.loads(line)
        if "hello" in request:
            reply = {
                "ok": True,
                "name": name,
                "dtype": dtype,
                "ops": list(functions),
                "presets": {k: ["paper"] + list(presets.get(k, [])) for k in functions},
                "vjp": [k for k, f in functions.items() if f.vjp],
            }
        else:
            reply = dict(_answer(functions, presets, request), id=request.get("id"), dtype=dtype)
        out.write(json.dumps(reply) + "\n")
        out.flush()


def _answer(functions, presets, request):
    def declined(message):
        return {"ok": False, "error": {"kind": "unsupported", "message": message}}

    f, preset = functions.get(request["op"]), request.get("preset", "paper")
    if f is None or (preset != "paper" and preset not in presets.get(request["op"], [])):
        return declined("%s, %s" % (request["op"], preset))
    arguments = {_python(k): v for part in ("inputs", "params") for k, v in request.get(part, {}).items()}
    if preset != "paper":
        arguments["preset"] = preset
    try:
        if "vjp" not in request:
            return {"ok": True, "outputs": {k: to_json(v) for k, v in f.eval(**arguments).items()}}
        if f.vjp is None:
            return declined("no gradient")
        return {"ok": True, "gradients": {_plain(k): to_json(v) for k, v in f.vjp(request["vjp"], **arguments).items()}}
    except NotImplementedError as e:
        return declined(str(e))
    except Exception as e:
        traceback.print_exc()
        return {"ok": False, "error": {"kind": "domain", "message": "%s: %s" % (type(e).__name__, e)}}
