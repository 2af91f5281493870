"""Real-time chunking's guidance at inference (arXiv 2506.07339)."""

from segue_policies.guidance.rtc import rtc_sample as rtc_sample
