"""Learning from responses that are there already: imitation (`sft`) and direct preference (`dpo`)."""
