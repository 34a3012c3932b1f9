"""What is made of the results: marked images, tables and curves over time."""
