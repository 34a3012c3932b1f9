"""Find faces in images and videos and classify their expressions. Never imports TensorFlow."""
