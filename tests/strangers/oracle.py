"""The client against the program: `python oracle.py PATH-OF-WHITE-BOX`."""

import random
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs" / "clients"))
import plain
import white_box

oracle = None


class Client(unittest.TestCase):
    z = [[1.0, 0.0], [0.0, 2.0]]

    def test_values_and_gradients(self):
        self.assertEqual(oracle.eval("coding_rate", {"z": self.z}, eps=0.5)["value"], 2.2213256282451583)
        self.assertEqual(len(oracle.vjp("coding_rate", {"z": self.z}, {"value": 1.0}, eps=0.5)["z"]), 2)
        middle, radius, allowed = oracle.enclose("coding_rate", {"z": self.z}, eps=0.5, dtype="bf16")
        self.assertTrue(radius["value"] < 1e-29 < 1e-3 < allowed["value"] < 0.5 and abs(middle["value"] - 2.2213256282451583) < 1e-15)
        self.assertIn("coding_rate", oracle.hello()["ops"])

    def test_refusals_have_a_kind(self):
        with self.assertRaises(white_box.Refused) as caught:
            oracle.eval("coding_rate", {"z": [[float("nan")]]}, eps=0.5)
        self.assertEqual(caught.exception.kind, "not-finite")
        with self.assertRaises(white_box.Refused) as caught:
            oracle.eval("coding_rate", {"z": self.z}, preset="mcr2-repo", eps=0.5)
        self.assertIn("eps2=0.5", str(caught.exception))

    def test_a_right_function_passes_everywhere(self):
        rng = random.Random(1)
        for _ in range(20):
            d = rng.randint(1, 5)
            n = rng.randint(d, 7)  # with fewer rows than columns the d x d side is the worse conditioned one
            z = [[rng.gauss(0, 1) for _ in range(d)] for _ in range(n)]
            value, gradient = plain.rate()
            oracle.assert_close("coding_rate", {"z": z}, value(z, eps=0.5), eps=0.5)
            oracle.assert_close("coding_rate", {"z": z}, gradient({"value": 1.0}, z, eps=0.5), vjp={"value": 1.0}, eps=0.5)
            a, y, dictionary = ([[rng.gauss(0, 1) for _ in range(c)] for _ in range(r)] for r, c in ((n, 4), (n, d), (d, 4)))
            found = plain.ista()(a, y, dictionary, 0.25, 0.5, "soft")
            oracle.assert_close("ista_step", {"a": a, "y": y, "d": dictionary}, found, eta=0.25, lambda_=0.5, shrink="soft")

    def test_a_wrong_function_fails_in_words_to_grep_for(self):
        value, _ = plain.rate("no_half")
        for words in ("Mismatched elements: 1 / 1 (100%)", "Max absolute difference among violations: 2.22", "(ACTUAL)"):
            with self.assertRaisesRegex(AssertionError, words.replace("(", r"\(").replace(")", r"\)")):
                oracle.assert_close("coding_rate", {"z": self.z}, value(self.z, eps=0.5), eps=0.5)
        for found in ({}, {"rate": 1.0}, {"value": [1.0]}, {"value": float("nan")}):
            with self.assertRaises(AssertionError):
                oracle.assert_close("coding_rate", {"z": self.z}, found, eps=0.5)

    def test_arrays_of_others(self):
        class Array:
            def __init__(self, rows):
                self.rows = rows

            def tolist(self):
                return self.rows

        oracle.assert_close("softmax", {"x": Array([[0.0, 0.0]])}, {"y": Array([[0.5, 0.5]])}, dtype="f32")


if __name__ == "__main__":
    with white_box.Oracle([sys.argv[1], "serve"]) as oracle:
        unittest.main(argv=sys.argv[:1])
