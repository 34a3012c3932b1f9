package org.ferlarq.demo.image

import org.ferlarq.demo.inference.FACE_SIZE
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Test

class ContrastStretchTest {
    private fun golden(name: String) = javaClass.getResourceAsStream("/golden/$name")!!.readBytes()

    @Test
    fun `golden faces are stretched to Python's bytes`() {
        val faces = golden("faces.bin")
        val expected = golden("stretched.bin")
        assertEquals(expected.size, faces.size)
        val stretch = ContrastStretch()
        for (start in faces.indices step FACE_SIZE * FACE_SIZE) {
            val face = faces.copyOfRange(start, start + FACE_SIZE * FACE_SIZE)
            stretch.apply(face)
            val wanted = expected.copyOfRange(start, start + FACE_SIZE * FACE_SIZE)
            assertArrayEquals("face ${start / face.size}", wanted, face)
        }
    }

    @Test
    fun `a face of one grey is left as it is, and of two becomes black and white`() {
        val stretch = ContrastStretch()
        val even = ByteArray(FACE_SIZE * FACE_SIZE) { 77 }
        stretch.apply(even)
        assertArrayEquals(ByteArray(FACE_SIZE * FACE_SIZE) { 77 }, even)
        val two = ByteArray(FACE_SIZE * FACE_SIZE) { if (it % 2 == 0) 100 else 110 }
        stretch.apply(two)
        assertArrayEquals(ByteArray(FACE_SIZE * FACE_SIZE) { if (it % 2 == 0) 0 else -1 }, two)
    }
}
