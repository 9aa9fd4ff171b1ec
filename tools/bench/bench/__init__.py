"""What tools/bench/run and tools/bench/scale are made of."""
