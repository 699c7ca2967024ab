"""What a floor costs: idle, at creation, at its busiest; what is left at zero; what waking up
takes."""
