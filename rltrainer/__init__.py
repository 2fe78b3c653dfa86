"""Policy training: sampling, rewards, advantages, losses and the loop that joins them. Knows no site."""
