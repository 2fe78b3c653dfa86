"""What both trainers stand on: run directory, checkpoints, devices, backbones, rendering, the process frame."""
