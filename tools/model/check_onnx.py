"""Does the exported model still mean what the original means? Embeds two sentences and prints their cosine.

usage: check_onnx.py MODEL_DIR     (needs: onnxruntime, tokenizers, numpy)
"""
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

folder = Path(sys.argv[1])
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
tokenizer.no_padding()
session = onnxruntime.InferenceSession(str(folder / "onnx/model_quantized.onnx"), providers=["CPUExecutionProvider"])


def embed(text):
    tokens = tokenizer.encode(text)
    row = lambda values: np.array([values], dtype=np.int64)
    (hidden,) = session.run(None, {"input_ids": row(tokens.ids), "attention_mask": row(tokens.attention_mask), "token_type_ids": row(tokens.type_ids)})
    mean = hidden[0].mean(axis=0)
    return mean / np.linalg.norm(mean)


print(f"{float(embed('That is a happy person') @ embed('That is a happy dog')):.3f}")
