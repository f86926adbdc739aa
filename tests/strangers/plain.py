"""Four operators in plain Python, as a stranger would write them, each right or with a named mistake."""

import math


def transpose(a):
    return [list(row) for row in zip(*a)]


def matmul(a, b):
    cols = transpose(b)
    return [[math.fsum(x * y for x, y in zip(row, col)) for col in cols] for row in a]


def elimination(e, b):
    """log det(I + e) and (I + e)^-1 b for a positive semidefinite e; I is never added, so that no digit of a small e is lost."""
    n, e, b, log_det = len(e), [list(row) for row in e], [list(row) for row in b], 0.0
    for p in range(n):
        pivot = 1.0 + e[p][p]
        log_det += math.log1p(e[p][p])
        for i in range(n):
            if i != p:
                f = e[i][p] / pivot
                e[i] = [x - f * (y + (j == p)) for j, (x, y) in enumerate(zip(e[i], e[p]))]
                b[i] = [x - f * y for x, y in zip(b[i], b[p])]
    return log_det, [[x / (1.0 + e[i][i]) for x in row] for i, row in enumerate(b)]


def rate(mistake=None):
    def gram(z, eps, eps2):
        n, d = len(z), len(z[0])
        squared = eps2 if eps is None else eps * eps
        if mistake == "eps_squared":
            squared = math.sqrt(squared)
        alpha = n / (d * squared) if mistake == "n_for_d" else d / (n * squared)
        return alpha, [[alpha * x for x in row] for row in matmul(transpose(z), z)]

    def value(z, eps=None, eps2=None):
        _, m = gram(z, eps, eps2)
        log_det, _ = elimination(m, [[] for _ in m])
        factor = {"no_half": 1.0, "bits": 0.5 / math.log(2)}.get(mistake, 0.5)
        return {"value": factor * log_det}

    def gradient(cotangents, z, eps=None, eps2=None):
        alpha, m = gram(z, eps, eps2)
        _, solved = elimination(m, transpose(z))
        c = cotangents["value"] * alpha * (len(z) if mistake == "gradient_times_n" else 1)
        return {"z": [[c * x for x in row] for row in transpose(solved)]}

    return value, gradient


def softmax(mistake=None):
    def rows(x):
        out = []
        for row in x:
            top = max(row)
            e = [math.exp(v - top) for v in row]
            out.append([v / math.fsum(e) for v in e])
        return out

    def value(x):
        return {"y": transpose(rows(transpose(x))) if mistake == "other_axis" else rows(x)}

    return value


def soft_threshold(mistake=None):
    def one(x, theta):
        if mistake == "relu":
            return max(x - theta, 0.0)
        return math.copysign(max(abs(x) - theta, 0.0), x)

    def value(x, theta):
        def walk(v):
            return [walk(w) for w in v] if isinstance(v, list) else one(v, theta)

        return {"y": walk(x)}

    return value


def ista(mistake=None):
    def value(a, y, d, eta, lambda_, shrink):
        residual = [[p - q for p, q in zip(r, s)] for r, s in zip(y, matmul(a, transpose(d)))]
        step = matmul(residual, d)
        threshold = lambda_ if mistake == "lambda" else eta * lambda_

        def one(x):
            return max(x - threshold, 0.0) if shrink == "nonnegative" else math.copysign(max(abs(x) - threshold, 0.0), x)

        return {"next": [[one(x + eta * g) for x, g in zip(r, s)] for r, s in zip(a, step)]}

    return value
