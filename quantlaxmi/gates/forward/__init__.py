"""The parts of walk-forward: folds on the clock, the choice in training, what came after."""
