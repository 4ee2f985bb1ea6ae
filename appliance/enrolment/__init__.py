"""What a new box and the education board say to each other: a request, and the grant that answers it."""
