"""``python -m fer_larq.weights RUN``."""

from fer_larq.utils.errors import run_command
from fer_larq.weights import main

if __name__ == "__main__":
    run_command(main)
