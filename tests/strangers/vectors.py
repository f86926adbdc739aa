"""The reader of golden vectors: `python vectors.py SET`."""

import shutil
import struct
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs" / "clients"))
import plain
import white_box_vectors as vectors

root = sys.argv[1]


def single(x):
    """Rounded to f32, element by element."""
    return [single(v) for v in x] if isinstance(x, list) else struct.unpack("<f", struct.pack("<f", x))[0]


class Reader(unittest.TestCase):
    right = {"coding_rate": plain.rate()[0], "softmax": plain.softmax(), "soft_threshold": plain.soft_threshold(), "ista_step": plain.ista()}
    wrong = [
        ("coding_rate", plain.rate("eps_squared")[0], "EpsSquared"),
        ("coding_rate", plain.rate("no_half")[0], "Factor"),
        ("coding_rate", plain.rate("bits")[0], "Factor"),
        ("coding_rate", plain.rate("n_for_d")[0], None),
        ("softmax", plain.softmax("other_axis"), None),
        ("soft_threshold", plain.soft_threshold("relu"), "Sign:x"),
        ("ista_step", plain.ista("lambda"), None),
    ]

    def test_right_functions_pass(self):
        for operator, function in self.right.items():
            self.assertEqual(vectors.run(function, root, operator, without=("LeadingAxis",)), [])
        value, gradient = plain.rate()
        self.assertEqual(vectors.run(value, root, "coding_rate", vjp=gradient), [])

    def test_f32_results_pass_as_f32_and_fail_as_f64(self):
        def rate(z, eps=None, eps2=None):
            return {"value": single(plain.rate()[0](z, eps, eps2)["value"])}

        self.assertEqual(vectors.run(rate, root, "coding_rate", dtype="f32"), [])
        self.assertNotEqual(vectors.run(rate, root, "coding_rate"), [])

    def test_wrong_functions_fail(self):
        for operator, function, flag in self.wrong:
            failures = vectors.run(function, root, operator)
            self.assertTrue(failures, operator)
            self.assertTrue(flag is None or any(flag in f for f in failures), failures)
        value, gradient = plain.rate("gradient_times_n")
        self.assertTrue(any("grad/z" in f for f in vectors.run(value, root, "coding_rate", vjp=gradient)))

    def test_a_wrong_step_fails_in_the_chain(self):
        chains = [c for c in vectors.cases(root, "ista_step") if c.chain]
        self.assertEqual(chains[0].chain["checkpoints"][-1], 100)
        chains[0].check(plain.ista())
        with self.assertRaises(AssertionError):
            chains[0].check(lambda eta, **rest: plain.ista()(eta=eta * (1 + 1e-12), **rest))

    def test_invalid_cases_want_an_error(self):
        def strict(z, eps=None, eps2=None):
            if any(x != x or abs(x) == float("inf") for row in z for x in row) or (eps2 is not None and eps2 <= 0) or len(set(map(len, z))) != 1:
                raise ValueError
            return plain.rate()[0](z, eps, eps2)

        refused = vectors.cases(root, "coding_rate", results=("invalid",), without=("Interface",))
        self.assertGreater(len(refused), 3)
        for case in refused:
            case.check(strict)
        with self.assertRaises(AssertionError):
            for case in refused:
                case.check(lambda **_: {"value": 0.0})

    def test_numbers_by_the_bits(self):
        example = next(c for c in vectors.cases(root, "coding_rate") if "example of the protocol" in c.comment)
        self.assertEqual(example.group("out")["value"].data, [2.2213256282451583])
        self.assertEqual(example.group("in")["z"].nested(), [[1.0, 0.0], [0.0, 2.0]])
        self.assertEqual(example.group("allowed/out")["value"].shape, [4])
        self.assertEqual(example.proven["out/value"], "correct")
        bounds = example.group("allowed/out")["value"].data
        self.assertTrue(bounds[0] < bounds[1] < bounds[2] < bounds[3], bounds)

    def test_a_damaged_copy_is_noticed(self):
        self.assertEqual(vectors.verify(root), [])
        with tempfile.TemporaryDirectory() as copy:
            shutil.copytree(root, copy, dirs_exist_ok=True)
            path = Path(copy) / "coding_rate" / "001.safetensors"
            raw = bytearray(path.read_bytes())
            raw[-1] ^= 1
            path.write_bytes(bytes(raw))
            (Path(copy) / "softmax" / "manifest.json").unlink()
            self.assertEqual(vectors.verify(copy), ["coding_rate/001.safetensors", "softmax/manifest.json"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
