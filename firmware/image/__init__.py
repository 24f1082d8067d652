"""The image of a gateway: a plan as values, the build that carries it out, the files that it brings."""
