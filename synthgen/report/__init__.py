"""Reports: pages a person reads, with hand-made pictures, in Korean and English."""
