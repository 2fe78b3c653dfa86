"""Files -> checked records. The readers are pure; storing what they give is the work of annotation.services."""
