"""What users write in YAML, as typed models: robots, tasks, scripts, controllers, hardware."""
