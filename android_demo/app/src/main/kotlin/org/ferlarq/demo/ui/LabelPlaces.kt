package org.ferlarq.demo.ui

import android.graphics.RectF

/**
 * Where the labels of faces stand: above, below or inside a face's frame, whichever hides least of
 * the faces and of the labels that stand already. It keeps its memory from image to image.
 *
 * @param most faces that there can be.
 */
class LabelPlaces(most: Int) {
    private val frames = Array(most) { RectF() }
    private val labels = Array(most) { RectF() }
    private val image = RectF()
    private val candidate = RectF()
    private var count = 0

    /** Takes all faces away; those that come lie in [image]. */
    fun clear(image: RectF) {
        this.image.set(image)
        count = 0
    }

    /** Adds a face: the corner and side of its frame, and the size of its label. */
    fun add(left: Float, top: Float, size: Float, labelWidth: Float, labelHeight: Float) {
        frames[count].set(left, top, left + size, top + size)
        labels[count].set(0f, 0f, labelWidth, labelHeight)
        count++
    }

    fun frame(i: Int): RectF = frames[i]

    /** After [arrange]. */
    fun label(i: Int): RectF = labels[i]

    /**
     * Finds a place for each label, in the order in which the faces were added.
     *
     * @return whether no label hides another.
     */
    fun arrange(): Boolean {
        for (i in 0 until count) {
            val width = labels[i].width()
            val height = labels[i].height()
            var least = Float.MAX_VALUE
            for (choice in 0 until CHOICES) {
                place(choice, frames[i], width, height)
                val hidden = hidden(i)
                if (hidden < least) {
                    least = hidden
                    labels[i].set(candidate)
                }
            }
        }
        for (i in 0 until count) {
            for (j in 0 until i) if (RectF.intersects(labels[i], labels[j])) return false
        }
        return true
    }

    /** Puts [candidate] to one of the places beside a frame, then moves it into the image. */
    private fun place(choice: Int, frame: RectF, width: Float, height: Float) {
        val x = if (choice % 2 == 0) frame.left else frame.right - width
        val y = when (choice / 2) {
            0 -> frame.top - height
            1 -> frame.bottom
            2 -> frame.top
            else -> frame.bottom - height
        }
        val left = maxOf(image.left, minOf(x, image.right - width))
        val top = maxOf(image.top, minOf(y, image.bottom - height))
        candidate.set(left, top, left + width, top + height)
    }

    /** How much [candidate] hides; other labels count most, since they cannot be read then. */
    private fun hidden(label: Int): Float {
        var sum = 0f
        for (i in 0 until count) sum += shared(frames[i])
        for (i in 0 until label) sum += LABELS_WEIGH * shared(labels[i])
        return sum
    }

    private fun shared(other: RectF): Float {
        val across = minOf(candidate.right, other.right) - maxOf(candidate.left, other.left)
        val down = minOf(candidate.bottom, other.bottom) - maxOf(candidate.top, other.top)
        return if (across > 0 && down > 0) across * down else 0f
    }

    private companion object {
        const val CHOICES = 8
        const val LABELS_WEIGH = 8f
    }
}
