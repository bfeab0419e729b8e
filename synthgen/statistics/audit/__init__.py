"""What tables give away: reconstruction, differencing, homogeneity, dominance (checks I1-I7)."""
