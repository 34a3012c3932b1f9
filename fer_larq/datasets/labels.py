"""The seven expressions, in the label order of FER2013 (paper, section 4.1)."""

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
