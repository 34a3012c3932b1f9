package org.ferlarq.demo.live

/**
 * The probabilities of the largest face over the last SECONDS. It takes at most PER_SECOND samples a
 * second and forgets the oldest, so that it never grows. Used on the main thread.
 */
class History(val labels: List<String>) {
    private val times = LongArray(CAPACITY) // milliseconds
    private val values = Array(CAPACITY) { FloatArray(labels.size) }
    private val seen = BooleanArray(CAPACITY)
    private var start = 0
    var count = 0
        private set

    /** Time of the newest sample in milliseconds. */
    val newest get() = timeOf(count - 1)

    fun timeOf(i: Int) = times[at(i)]

    /** Whether a face was seen at the [i]th sample, counted from the oldest. */
    fun isSeen(i: Int) = seen[at(i)]

    fun probability(i: Int, label: Int) = values[at(i)][label]

    private fun at(i: Int) = (start + i) % CAPACITY

    /** @param probabilities null where no face is seen. */
    fun add(timeMillis: Long, probabilities: FloatArray?) {
        if (count > 0 && timeMillis - newest < 1000 / PER_SECOND) return
        while (count > 0 && (count == CAPACITY || timeMillis - timeOf(0) > 1000 * SECONDS)) {
            start = (start + 1) % CAPACITY
            count--
        }
        val at = at(count++)
        times[at] = timeMillis
        seen[at] = probabilities != null
        probabilities?.copyInto(values[at])
    }

    fun clear() {
        count = 0
    }

    /** Rows of seconds, counted back from the newest sample, and probabilities; empty without a face. */
    fun toCsv(): String = buildString {
        append("seconds,").append(labels.joinToString(",")).append('\n')
        for (i in 0 until count) {
            append(decimal((timeOf(i) - newest) / 1000f, 2))
            for (label in labels.indices) {
                append(',')
                if (isSeen(i)) append(decimal(probability(i, label), 4))
            }
            append('\n')
        }
    }

    private fun decimal(value: Float, digits: Int) = String.format(java.util.Locale.ROOT, "%.${digits}f", value)

    companion object {
        const val SECONDS = 30
        const val PER_SECOND = 10
        private const val CAPACITY = SECONDS * PER_SECOND + 1
    }
}
