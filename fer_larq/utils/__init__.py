"""What every other package uses: errors, files, shared flags, and the one import of TensorFlow."""
