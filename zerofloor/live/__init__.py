"""What an AWS account runs now, beside what the stacks declare; and what puts it to zero."""
