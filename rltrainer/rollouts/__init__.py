"""Engines that answer prompts: tokens in, tokens and their log-probs out."""
